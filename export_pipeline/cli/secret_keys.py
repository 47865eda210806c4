"""`export-pipeline secret-key`: the keys that encrypt stored credentials."""

from typing import TYPE_CHECKING

import typer

from export_pipeline.cli.opening import opened_control, settings_from
from export_pipeline.cli.options import Json
from export_pipeline.cli.printing import number, print_document, print_line, print_table

if TYPE_CHECKING:
    from export_pipeline.control.secret_keys import KeysView

app = typer.Typer(
    help="The keys that encrypt stored credentials: none is ever shown, each has a fingerprint.",
    no_args_is_help=True,
)


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show how many keys there are, and how much of what is stored each of them encrypts."""
    from export_pipeline.control.secret_keys import show_keys
    from export_pipeline.deployment import key_of
    from export_pipeline.store.database import reading

    with opened_control(context) as control, reading(control) as connection:
        found = show_keys(connection, key_of(settings_from(context)))
    if as_json:
        print_document(_shown(found))
        return
    print_line(f"kept in {found.kept_in}")
    rows = [
        (key.fingerprint, "encrypts" if place == 0 else "decrypts", f"{key.sealed:,}")
        for place, key in enumerate(found.keys)
    ]
    if found.sealed_by_others:
        rows.append(("unknown", "-", f"{found.sealed_by_others:,}"))
    print_table(["fingerprint", "use", number("encrypted by it")], rows)
    if found.unused:
        print_line(f"unused: {', '.join(found.unused)}")


@app.command()
def rotate(context: typer.Context, as_json: Json = False) -> None:
    """Encrypt everything stored with a new key, while everything runs.

    A key file gets a new key in front. With EXPORT_PIPELINE_SECRET_KEY, put the new key there first, in front
    of the old one, separated by a comma. Old keys are not dropped: `prune` does that.
    """
    from export_pipeline.control.secret_keys import rotate_keys
    from export_pipeline.deployment import key_of

    with opened_control(context) as control:
        key = key_of(settings_from(context))
        done, found = rotate_keys(control, key)
    if as_json:
        print_document({**_shown(found), "encrypted_anew": done})
        return
    print_line(f"encrypted anew: {done:,}, with the key {found.keys[0].fingerprint} in {found.kept_in}")
    if key.key_file:
        print_line(
            "back the file up; the keys before stay in it, for backups of the control database from before."
            " Drop them with: export-pipeline secret-key prune"
        )
    elif found.unused:
        print_line(
            f"nothing needs {', '.join(found.unused)} any more: take them out of {found.kept_in} once every"
            " process has been started with the new key in front"
        )
    else:
        print_line(f"{found.kept_in} holds no other key; to rotate, put a new one in front, with a comma")


@app.command()
def prune(context: typer.Context, as_json: Json = False) -> None:
    """Drop the keys from the key file that nothing stored needs.

    A backup of the control database from before the rotation cannot be read without them.
    """
    from export_pipeline.control.secret_keys import prune_keys
    from export_pipeline.deployment import key_of

    with opened_control(context) as control:
        dropped = prune_keys(control, key_of(settings_from(context)))
    if as_json:
        print_document({"dropped": dropped})
    elif dropped:
        print_line(f"dropped {', '.join(dropped)}")
    else:
        print_line("there is no key that nothing needs")


def _shown(found: "KeysView") -> dict[str, object]:
    return {
        "kept_in": found.kept_in,
        "keys": [{"fingerprint": key.fingerprint, "encrypted": key.sealed} for key in found.keys],
        "encrypted_by_others": found.sealed_by_others,
        "unused": found.unused,
    }

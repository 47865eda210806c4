"""The demo's folder holds all that is needed to go on by hand."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from export_pipeline.demo.home import DemoHome, demo_exports
from export_pipeline.demo.samples import FLIGHTS, SEARCHES
from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.plan import plan_of
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import hide_export, standing_exports

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    """A prepared one, in a folder whose name a shell would take apart."""
    place = DemoHome(tmp_path_factory.mktemp("demo") / "it's a $HOME")
    place.prepare()
    return place


@pytest.fixture
def deployment(home: DemoHome) -> Iterator[Deployment]:
    opened = home.open({})
    yield opened
    opened.close()


def in_a_shell(home: DemoHome, command: str) -> str:
    """What the command prints in a shell that knows nothing but the demo's file `env`."""
    ran = subprocess.run(
        ["/bin/sh", "-c", f'. "$1" && {command}', "sh", str(home.folder / "env")],
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_with_its_file_env_a_shell_works_on_the_demo(home: DemoHome, deployment: Deployment) -> None:
    demo_exports(deployment)
    printed = in_a_shell(home, "export-pipeline export list")
    for slug in FLIGHTS.exports:
        assert slug in printed


def test_dagsters_own_command_line_warns_of_nothing_that_a_user_could_change(
    home: DemoHome, deployment: Deployment
) -> None:
    demo_exports(deployment)
    materialize = "dagster asset materialize -m export_pipeline.orchestration.definitions"
    hour = "--select exports/weather --partition 2013-07-01-05:00"
    printed = in_a_shell(home, f"{materialize} {hour} 2>&1")
    assert "Warning" not in printed, printed
    assert "DEBUG" not in printed, printed


def test_the_variables_arrive_in_a_shell_as_they_are(home: DemoHome) -> None:
    names = sorted(home.variables)
    printed = in_a_shell(home, "printenv " + " ".join(names)) if names else ""
    assert printed.splitlines() == [home.variables[name] for name in names]


def test_both_exports_are_made_and_fit_the_dataset(deployment: Deployment) -> None:
    exports = demo_exports(deployment)
    assert [export.slug for export in exports] == [*FLIGHTS.exports]
    for export in exports:
        assert plan_of(export.definition, deployment.dataset)


def test_exports_that_are_there_are_found_and_not_made_again(deployment: Deployment) -> None:
    assert demo_exports(deployment) == demo_exports(deployment)
    with reading(deployment.control) as connection:
        assert len(standing_exports(connection)) == len(FLIGHTS.exports)


def test_an_export_that_was_deleted_is_made_again(deployment: Deployment) -> None:
    first, second = demo_exports(deployment)
    with writing(deployment.control) as connection:
        hide_export(connection, first.id)
    anew, same = demo_exports(deployment)
    assert anew.slug == first.slug
    assert anew.id != first.id
    assert same == second


def test_preparing_again_keeps_what_is_there(home: DemoHome, deployment: Deployment) -> None:
    exports = demo_exports(deployment)
    loaded = home.database.stat().st_mtime_ns
    home.prepare()
    assert home.database.stat().st_mtime_ns == loaded
    assert demo_exports(deployment) == exports


def test_preparing_says_how_many_rows_the_source_has(home: DemoHome) -> None:
    assert home.prepare() == {"flights": 336_776, "weather": 26_115}


def test_everything_is_kept_below_the_folder(home: DemoHome, deployment: Deployment) -> None:
    settings = deployment.settings
    places = [
        settings.dataset_path,
        settings.downloads_folder,
        settings.staging_folder,
        settings.key_file,
        home.database,
        home.instance({}).home,
    ]
    assert [place for place in places if home.folder not in place.parents] == []


HOLD = """
import sys
from pathlib import Path
from export_pipeline.demo.home import DemoHome

with DemoHome(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_nobody_else_can_work_in_the_folder_until_whoever_does_has_ended_or_died(tmp_path: Path) -> None:
    place = DemoHome(tmp_path / "home")
    for end in (subprocess.Popen.kill, lambda process: process.communicate()):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, place.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with (
                pytest.raises(ExportPipelineError, match=r"another demo .* stop it, .* DEMO_HOME="),
                place.held(),
            ):
                pytest.fail("two are at work")
            end(other)
            other.wait()
        with place.held():
            pass


@pytest.mark.parametrize("command", ["demo", "dev"])
def test_a_second_one_in_the_folder_is_told_so_at_once_and_touches_nothing(
    tmp_path: Path, command: str
) -> None:
    place = DemoHome(tmp_path)
    with place.held():
        second = subprocess.run(
            [BIN / "export-pipeline", command, "--home", tmp_path],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert second.stderr.startswith(f"error: another demo or dev is at work in {tmp_path}")
    assert second.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_dagsters_instance_is_configured_as_the_project_says(home: DemoHome) -> None:
    assert (home.folder / "dagster" / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()


def test_dagsters_processes_see_our_variables_and_those_they_are_given(home: DemoHome) -> None:
    environ = home.instance({"LANG": "C", "DAGSTER_HOME": "/elsewhere"}).environ
    assert environ == {"LANG": "C", **home.variables}


def test_a_folder_holds_one_sample(tmp_path: Path) -> None:
    other = DemoHome(tmp_path, SEARCHES)
    assert other.prepare()["searches"] > 500
    with pytest.raises(ExportPipelineError, match="holds the sample 'searches', not 'flights'; name another"):
        DemoHome(tmp_path).prepare()
    with closing(other.open({})) as opened:
        assert demo_exports(opened, SEARCHES) == []
        assert "custom_events" in opened.dataset.tables

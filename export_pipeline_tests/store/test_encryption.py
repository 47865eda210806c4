"""The key that seals credentials: what it does, where it is kept, who may read it."""

import base64
import pickle
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from export_pipeline.errors import ExportPipelineError
from export_pipeline.store.encryption import SecretKey, secret_key
from export_pipeline_tests.starting_together import start_together

GIVEN = Fernet.generate_key().decode()
OTHER = Fernet.generate_key().decode()

SEAL = """
from pathlib import Path
from export_pipeline.store.encryption import secret_key

ready()
key = secret_key(None, Path(sys.argv[1]))
print(key.seal("secret").decode())
"""


def test_what_is_sealed_comes_back() -> None:
    key = SecretKey(GIVEN)

    assert key.unseal(key.seal("pässword")) == "pässword"


def test_what_is_sealed_cannot_be_read() -> None:
    assert b"password" not in SecretKey(GIVEN).seal("password")


def test_another_key_opens_nothing_and_the_error_says_which_one_would() -> None:
    sealed = SecretKey(GIVEN).seal("password")

    with pytest.raises(ExportPipelineError, match="set EXPORT_PIPELINE_SECRET_KEY to the one in use"):
        SecretKey(Fernet.generate_key().decode()).unseal(sealed)


def test_what_was_tampered_with_is_not_opened() -> None:
    sealed = bytearray(SecretKey(GIVEN).seal("password"))
    sealed[40] ^= 1

    with pytest.raises(ExportPipelineError):
        SecretKey(GIVEN).unseal(bytes(sealed))


def test_the_first_of_several_keys_seals_and_every_one_unseals() -> None:
    old, new = SecretKey(GIVEN), SecretKey(f"{OTHER},{GIVEN}")

    assert new.unseal(old.seal("password")) == "password"
    assert SecretKey(OTHER).unseal(new.seal("password")) == "password"
    assert new.fingerprints == (*SecretKey(OTHER).fingerprints, *old.fingerprints)
    assert new.sealed_by(old.seal("password")) == old.fingerprints[0]
    assert old.sealed_by(new.seal("password")) is None


def test_a_process_follows_its_file_and_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    long_lived = secret_key(None, path)
    before = long_lived.seal("password")

    path.write_text(OTHER)

    assert long_lived.unseal(SecretKey(OTHER).seal("password")) == "password"
    assert SecretKey(OTHER).unseal(long_lived.seal("password")) == "password"
    assert long_lived.unseal(before) == "password"
    assert long_lived.fingerprints == SecretKey(OTHER).fingerprints


def test_nothing_is_sealed_by_a_key_whose_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = secret_key(None, path)
    sealed = key.seal("password")
    path.unlink()

    with pytest.raises(ExportPipelineError, match="put it back"):
        key.seal("password")
    assert key.unseal(sealed) == "password"


def test_a_file_without_the_key_is_named_as_where_it_goes(tmp_path: Path) -> None:
    key = secret_key(None, tmp_path / "secret.key")

    with pytest.raises(ExportPipelineError, match=r"as one more line into .*secret\.key"):
        key.unseal(SecretKey(OTHER).seal("password"))


def test_a_key_does_not_leave_its_process() -> None:
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(SecretKey(GIVEN))


def test_a_fingerprint_tells_nothing_of_the_key() -> None:
    (fingerprint,) = SecretKey(GIVEN).fingerprints

    assert len(fingerprint) == 12
    assert fingerprint not in base64.urlsafe_b64decode(GIVEN).hex()


def test_a_key_does_not_show_itself() -> None:
    key = SecretKey(GIVEN)

    assert GIVEN not in repr(key) + str(key) + repr(vars(key))


@pytest.mark.parametrize(
    "given",
    ["", "short", "ключ", GIVEN[:-1], f"{GIVEN[:-5]}="],
    ids=["nothing", "too short", "letters of no key", "a sign less", "four signs less"],
)
def test_what_is_no_key_is_refused_with_the_way_to_make_one(given: str) -> None:
    with pytest.raises(
        ExportPipelineError, match=r"EXPORT_PIPELINE_SECRET_KEY is not a key.*generate_key"
    ) as caught:
        SecretKey(given)

    assert not given or given not in "".join(traceback.format_exception(caught.value))


def test_the_way_to_make_a_key_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportPipelineError) as caught:
        SecretKey("no key")

    exec(str(caught.value).split("python -c '")[1].removesuffix("'"))

    assert SecretKey(capsys.readouterr().out.strip())


def test_a_given_key_makes_no_file(tmp_path: Path) -> None:
    secret_key(GIVEN, tmp_path / "secret.key")

    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_made_is_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"

    secret_key(None, path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_is_there_is_used(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"

    sealed = secret_key(None, path).seal("password")

    assert secret_key(None, path).unseal(sealed) == "password"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_get_at_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret.key"
    secret_key(None, path)
    path.chmod(mode)

    with pytest.raises(ExportPipelineError, match=f"chmod 600 {path}"):
        secret_key(None, path)


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\xfe\x00"])
def test_a_file_without_a_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(ExportPipelineError, match=f"the content of {path} is not a key; put back the one"):
        secret_key(None, path)


def test_a_process_that_was_killed_while_it_made_the_key_is_in_nobodys_way(tmp_path: Path) -> None:
    # In a container every process has the number 1.
    path = tmp_path / "secret.key"
    for number in range(3):
        (tmp_path / f"secret.key.{number}").touch()

    assert secret_key(None, path).seal("password")


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"

    sealed = start_together(SEAL, str(path))

    key = secret_key(None, path)
    assert [key.unseal(token.strip().encode()) for token in sealed] == ["secret"] * 4
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    barrier = threading.Barrier(8)

    def seal(_number: int) -> bytes:
        barrier.wait(30)
        return secret_key(None, path).seal("secret")

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(seal, range(8)))

    key = secret_key(None, path)
    assert [key.unseal(token) for token in sealed] == ["secret"] * 8
    assert list(tmp_path.iterdir()) == [path]


def test_what_any_of_the_keys_signed_is_known_again_and_nothing_else() -> None:
    old, new = SecretKey(GIVEN), SecretKey(f"{OTHER},{GIVEN}")
    signature = old.sign("text")

    assert new.signed("text", signature)
    assert not new.signed("texts", signature)
    assert not SecretKey(OTHER).signed("text", signature)
    assert not new.signed("text", "ü")
    assert new.sign("text") != signature  # by the first


def test_a_signature_by_a_key_that_was_put_into_the_file_meanwhile_is_known(tmp_path: Path) -> None:
    file = tmp_path / "key"
    begun_before = secret_key(None, file)
    file.write_text(f"{OTHER}\n{file.read_text()}")

    assert begun_before.signed("text", SecretKey(OTHER).sign("text"))

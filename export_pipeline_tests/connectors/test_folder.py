"""A folder as a destination: whole files or none, whoever races and whenever a writer is killed."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Thread

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.destination import SHA256, StoredObject
from export_pipeline.connectors.folder import OURS, FolderConfig, FolderDestination
from export_pipeline.errors import Conflict, NotFound, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import keys, put, read

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path) -> FolderDestination:
    return FolderDestination(tmp_path / "exports")


def described(destination: FolderDestination, key: str) -> StoredObject:
    found = destination.head(key)
    assert found is not None
    return found


def put_with_digest(destination: FolderDestination, key: str, content: bytes) -> None:
    present = destination.head(key)
    version = present.version if present else None
    put(destination, key, content, replaces=version, metadata={SHA256: sha256(content).hexdigest()})


def agrees(destination: FolderDestination, key: str) -> bool:
    """Whether data and metadata belong together."""
    return described(destination, key).metadata == {SHA256: sha256(read(destination, key)).hexdigest()}


def hidden_files(tmp_path: Path, kind: str) -> list[Path]:
    return [path for path in (tmp_path / "exports" / OURS / kind).rglob("*") if path.is_file()]


def test_opening_makes_nothing(tmp_path: Path) -> None:
    destination = FolderConfig(path=tmp_path / "exports").open()

    assert destination.head("a.csv") is None
    assert keys(destination) == []
    destination.delete("a.csv")
    assert not (tmp_path / "exports").exists()


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"1-2": 3}', '{"1-2": {"a": 1}}'])
def test_damaged_metadata_is_named(tmp_path: Path, folder: FolderDestination, damaged: str) -> None:
    version = put(folder, "a.csv", b"1", metadata={"export-id": "x"})
    (kept,) = hidden_files(tmp_path, "metadata")
    kept.write_text(damaged)

    with pytest.raises(PermanentFailure, match=r"'a\.csv' is damaged: .*\.json .*or delete it"):
        folder.head("a.csv")
    with pytest.raises(PermanentFailure, match="is damaged"):
        put(folder, "a.csv", b"2", replaces=version)
    assert read(folder, "a.csv") == b"1"

    folder.delete("a.csv")
    put(folder, "a.csv", b"3")
    assert read(folder, "a.csv") == b"3"


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be absolute"):
        FolderConfig(path=Path("exports"))


def test_a_location_is_the_folder(tmp_path: Path) -> None:
    assert FolderConfig(path=tmp_path).location == str(tmp_path)


def test_files_are_plain_files(folder: FolderDestination, tmp_path: Path) -> None:
    put(folder, "2013/01/a.csv", b"content")

    assert (tmp_path / "exports/2013/01/a.csv").read_bytes() == b"content"


def test_files_may_be_read_by_whom_the_process_lets(folder: FolderDestination, tmp_path: Path) -> None:
    put(folder, "a.csv", b"content")
    usual = tmp_path / "usual"
    usual.touch()

    assert (tmp_path / "exports/a.csv").stat().st_mode == usual.stat().st_mode


def test_our_own_files_are_not_listed(folder: FolderDestination) -> None:
    put(folder, "a.csv", b"content")
    upload = folder.begin("b.csv", {})
    upload.write(b"half")

    seen = [keys(folder, prefix) for prefix in ("", f"{OURS}/", ".")]
    upload.abort()

    assert seen == [["a.csv"], [], []]


@pytest.mark.parametrize("key", [f"{OURS}/locks/00", OURS, f"{OURS.upper()}/x"])
def test_our_own_files_are_out_of_reach(folder: FolderDestination, key: str) -> None:
    put(folder, "a.csv", b"content")

    with pytest.raises(PermanentFailure, match="change the path"):
        put(folder, key, b"content")
    with pytest.raises(PermanentFailure, match="change the path"):
        folder.delete(key)


def test_files_are_listed_in_the_order_of_their_keys(folder: FolderDestination) -> None:
    wanted = ["a!/x", "a-b", "a.csv", "a/b.csv", "a/c/d", "a0", "b", "é/x"]
    for key in reversed(wanted):
        put(folder, key, b"")

    assert keys(folder) == wanted


def test_a_folder_is_in_the_way_of_a_file(folder: FolderDestination) -> None:
    put(folder, "a/b.csv", b"1")

    with pytest.raises(PermanentFailure, match="is a folder"):
        put(folder, "a", b"2")


@pytest.mark.parametrize("key", ["a/b.csv", "a/b/c.csv"])
def test_a_file_is_in_the_way_of_a_folder(folder: FolderDestination, key: str) -> None:
    put(folder, "a", b"1")

    with pytest.raises(PermanentFailure, match="is a file already"):
        put(folder, key, b"2")

    assert folder.head(key) is None
    with pytest.raises(NotFound):
        read(folder, key)


def test_a_part_of_a_key_may_be_too_long_for_a_file(folder: FolderDestination) -> None:
    with pytest.raises(PermanentFailure, match="takes 300 bytes and may take 255"):
        put(folder, "x" * 300, b"1")


def test_deleting_removes_folders_that_become_empty(folder: FolderDestination, tmp_path: Path) -> None:
    put(folder, "2013/01/01/a.csv", b"1")
    put(folder, "2013/02/a.csv", b"1")

    folder.delete("2013/01/01/a.csv")

    assert not (tmp_path / "exports/2013/01").exists()
    assert keys(folder) == ["2013/02/a.csv"]


def test_files_and_deletions_in_one_folder_do_not_disturb_each_other(folder: FolderDestination) -> None:
    def write_and_delete(name: str) -> None:
        for _ in range(60):
            put(folder, f"deep/er/{name}", b"1")
            folder.delete(f"deep/er/{name}")
        put(folder, f"deep/er/{name}", b"1")

    threads = [Thread(target=write_and_delete, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert keys(folder) == ["deep/er/a", "deep/er/b", "deep/er/c", "deep/er/d"]


def test_a_file_put_there_by_hand_is_an_object_without_metadata(
    folder: FolderDestination, tmp_path: Path
) -> None:
    put(folder, "a.csv", b"ours", metadata={"rows": "1"})
    (tmp_path / "exports/a.csv").write_bytes(b"by hand")

    assert described(folder, "a.csv").metadata == {}


def test_a_version_changes_with_the_content(folder: FolderDestination, tmp_path: Path) -> None:
    version = put(folder, "a.csv", b"first")
    (tmp_path / "exports/a.csv").write_bytes(b"other")

    with pytest.raises(Conflict):
        put(folder, "a.csv", b"third", replaces=version)


def test_versions_of_the_same_content_differ(folder: FolderDestination) -> None:
    version = put(folder, "a.csv", b"same")
    versions = [version]
    for _ in range(50):
        versions.append(version := put(folder, "a.csv", b"same", replaces=version))

    assert len(set(versions)) == len(versions)


def test_a_restored_backup_keeps_versions_and_metadata(folder: FolderDestination, tmp_path: Path) -> None:
    put(folder, "a/b.csv", b"content", metadata={"rows": "1"})
    before = described(folder, "a/b.csv")

    # What backups keep: names, contents, times. Not inodes.
    restored = tmp_path / "restored"
    for path in (tmp_path / "exports").rglob("*"):
        copy = restored / path.relative_to(tmp_path / "exports")
        if path.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))

    assert described(FolderDestination(restored), "a/b.csv") == before


def test_a_reader_keeps_the_version_that_it_began_with(folder: FolderDestination) -> None:
    version = put(folder, "a.csv", b"1" * (2 << 20))
    reading = folder.get("a.csv")
    begun = next(reading)

    put(folder, "a.csv", b"2", replaces=version)

    assert begun + b"".join(reading) == b"1" * (2 << 20)


def race(path: Path, start: Barrier, writer: int) -> None:
    destination = FolderDestination(path)
    upload = destination.begin("raced.csv", {"writer": str(writer)})
    upload.write(b"%d" % writer)
    start.wait(60)
    try:
        upload.commit(replaces=None)
    except Conflict:
        sys.exit(1)


def test_one_of_eight_racing_processes_wins(folder: FolderDestination, tmp_path: Path) -> None:
    start = FORK.Barrier(8)
    racers = [FORK.Process(target=race, args=(tmp_path / "exports", start, n)) for n in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    winners = [writer for writer, racer in enumerate(racers) if racer.exitcode == 0]
    assert len(winners) == 1
    assert read(folder, "raced.csv") == b"%d" % winners[0]
    assert described(folder, "raced.csv").metadata == {"writer": str(winners[0])}


def test_linking_has_one_winner_where_locks_do_not_reach(folder: FolderDestination, tmp_path: Path) -> None:
    upload = folder.begin("a.csv", {})
    (tmp_path / "exports/a.csv").write_bytes(b"somebody else's")

    with pytest.raises(Conflict):
        upload.commit(replaces=None)

    assert (tmp_path / "exports/a.csv").read_bytes() == b"somebody else's"


def test_a_reader_never_sees_data_with_anothers_metadata(folder: FolderDestination) -> None:
    put_with_digest(folder, "a.csv", b"0")
    ended = []

    def rewrite() -> None:
        for number in range(1, 60):
            put_with_digest(folder, "a.csv", b"%d" % number)
        ended.append(True)

    writer = Thread(target=rewrite)
    writer.start()
    seen = []
    while not ended:
        seen.append(described(folder, "a.csv").metadata)
    writer.join()

    known = {sha256(b"%d" % number).hexdigest() for number in range(60)}
    assert {metadata.get(SHA256) for metadata in seen} <= known


def deaths(act: Callable[[], None]) -> Iterator[bool]:
    """Runs `act` again and again in a process of its own, killed before its first, second, ... call to the
    operating system; True for each death, and at last False: it came to its end."""
    survived = False
    calls = 0
    while not survived:
        calls += 1
        process = FORK.Process(target=_killed_before, args=(calls, act))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        survived = process.exitcode == 0
        yield not survived


def _killed_before(calls: int, act: Callable[[], None]) -> None:
    left = [calls]

    def count(event: str, _: tuple[object, ...]) -> None:
        if event == "open" or event.startswith(("os.", "fcntl.")):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    act()
    os._exit(0)


def test_a_creator_killed_at_any_moment_leaves_a_whole_file_or_none(
    folder: FolderDestination, tmp_path: Path
) -> None:
    died = 0
    for dead in deaths(lambda: put_with_digest(folder, "new/a.csv", b"content" * 9)):
        died += dead
        assert keys(folder) in ([], ["new/a.csv"])
        assert folder.head("new/a.csv") is None or agrees(folder, "new/a.csv")
        folder.delete("new/a.csv")
    assert died > 10

    put(folder, "another.csv", b"1")
    assert hidden_files(tmp_path, "incoming") == []


def test_a_replacer_killed_at_any_moment_leaves_the_old_file_or_the_new(
    folder: FolderDestination, tmp_path: Path
) -> None:
    put_with_digest(folder, "a.csv", b"old")
    contents = []
    for dead in deaths(lambda: put_with_digest(folder, "a.csv", read(folder, "a.csv") + b"+new")):
        assert keys(folder) == ["a.csv"]
        assert agrees(folder, "a.csv")
        contents.append((dead, read(folder, "a.csv")))
    assert (True, b"old") in contents
    assert len(contents) > 10

    put(folder, "another.csv", b"1")
    assert hidden_files(tmp_path, "incoming") == []


def test_a_deleter_killed_at_any_moment_leaves_a_whole_file_or_none(folder: FolderDestination) -> None:
    for _ in deaths(lambda: folder.delete("deep/a.csv")):
        assert folder.head("deep/a.csv") is None or agrees(folder, "deep/a.csv")
        put_with_digest(folder, "deep/a.csv", b"again")
        assert agrees(folder, "deep/a.csv")


def test_metadata_does_not_pile_up(folder: FolderDestination, tmp_path: Path) -> None:
    for number in range(5):
        put_with_digest(folder, "a.csv", b"%d" % number)
    (sidecar,) = hidden_files(tmp_path, "metadata")
    versions = sidecar.read_text().count(SHA256)

    folder.delete("a.csv")

    assert versions <= 2
    assert hidden_files(tmp_path, "metadata") == []


def test_an_upload_that_meets_the_end_of_the_space_is_over(folder: FolderDestination) -> None:
    upload = folder.begin("a.csv", {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(TransientFailure, match="too large"):
            upload.write(bytes(3 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with pytest.raises(ValueError, match="closed file"):
        upload.commit(replaces=None)
    assert keys(folder) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written_names_the_cure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermanentFailure, match="change the folder's owner or rights"):
        put(FolderDestination(tmp_path), "a.csv", b"1")

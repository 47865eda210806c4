"""A DuckDB file is open once in a process, for all who read it there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from export_pipeline.dataset.duckdb_files import DuckdbFile, Overwritten, open_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made(tmp_path / "events.duckdb", rows=3)


def made(file: Path, rows: int) -> Path:
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create table events as select range as id from range({rows})")
    return file


def replace(file: Path, rows: int) -> None:
    made(file.with_suffix(".new"), rows).rename(file)


def rows_of(opened: DuckdbFile) -> int:
    with opened.connection.cursor() as cursor:
        ((rows,),) = cursor.execute("select count(*) from events").fetchall()
    return int(rows)


def folder_of(opened: DuckdbFile) -> Path:
    ((folder,),) = opened.connection.execute("select current_setting('temp_directory')").fetchall()
    return Path(folder)


def test_who_opens_it_shares_it_until_the_last_has_closed_it(file: Path) -> None:
    one, another = open_file(file), open_file(file)
    folder = folder_of(one)
    one.close()

    assert rows_of(another) == 3
    assert folder.is_dir()
    another.close()
    assert not folder.exists()
    with duckdb.connect(str(file)) as writer:  # nobody has it
        writer.execute("delete from events")


def test_one_path_to_it_is_as_good_as_another(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    opened = [open_file(file), open_file(Path(file.name))]

    assert [rows_of(each) for each in opened] == [3, 3]
    for each in opened:
        each.close()


def test_links_and_dots_lead_to_the_file_that_is_open(file: Path) -> None:
    (file.parent / "folder").mkdir()
    (file.parent / "link.duckdb").symlink_to(file)
    spelled = [file, file.parent / "link.duckdb", file.parent / "folder" / ".." / file.name]
    opened = [open_file(one) for one in spelled]

    assert [rows_of(each) for each in opened] == [3, 3, 3]
    for each in opened:
        each.close()


def test_a_file_that_was_replaced_is_read_anew_once_nobody_reads_the_old_one(file: Path) -> None:
    opened = open_file(file)
    assert not opened.replaced
    replace(file, rows=5)

    assert opened.replaced
    assert not opened.overwritten
    with pytest.raises(duckdb.ConnectionException):
        open_file(file)
    assert rows_of(opened) == 3
    opened.close()
    again = open_file(file)
    assert rows_of(again) == 5
    again.close()


def test_a_file_that_was_written_over_is_not_shared_any_more(file: Path) -> None:
    new = made(file.with_suffix(".new"), 5)
    opened = open_file(file)
    assert not opened.overwritten
    shutil.copyfile(new, file)

    assert opened.overwritten
    assert opened.replaced
    with pytest.raises(Overwritten):
        open_file(file)
    opened.close()
    again = open_file(file)
    assert rows_of(again) == 5
    assert not again.overwritten
    again.close()


def test_it_was_written_over_also_by_one_of_its_size_and_times(file: Path) -> None:
    """As builds make them that are alike each time."""
    new = made(file.with_suffix(".new"), 5)
    for each in (file, new):
        os.utime(each, (1_000_000_000, 1_000_000_000))
    opened = open_file(file)
    shutil.copy2(new, file)

    assert file.stat().st_mtime == new.stat().st_mtime
    assert opened.overwritten
    assert opened.replaced
    opened.close()


def test_a_link_more_is_nothing_written(file: Path) -> None:
    opened = open_file(file)
    os.link(file, file.with_suffix(".backup"))

    assert not opened.overwritten
    assert not opened.replaced
    opened.close()


def gone(file: Path, _other: Path) -> None:
    file.unlink()


def moved_over(file: Path, other: Path) -> None:
    other.rename(file)


def led_elsewhere(file: Path, other: Path) -> None:
    link = file.with_suffix(".link")
    link.symlink_to(other)
    link.rename(file)


@pytest.mark.parametrize("then", [gone, moved_over, led_elsewhere])
def test_a_file_that_was_written_over_stays_so_wherever_its_path_leads(
    file: Path, then: Callable[[Path, Path], None]
) -> None:
    """Who reads it reads the file, and not what lies at its path."""
    real = file.rename(file.with_suffix(".real"))
    file.symlink_to(real)
    opened = open_file(file)
    shutil.copyfile(made(file.with_suffix(".new"), 5), real)
    then(file, made(file.with_suffix(".other"), 7))

    assert opened.overwritten
    opened.close()


def test_nobody_writes_to_a_file_until_the_last_has_closed_it(file: Path) -> None:
    """Its own descriptor does not undo DuckDB's lock, which is the process's."""
    write = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('delete from events')"
    opened = open_file(file)
    open_file(file).close()
    refused = subprocess.run([sys.executable, "-c", write, file], capture_output=True, check=False)
    opened.close()
    let = subprocess.run([sys.executable, "-c", write, file], capture_output=True, check=False)

    assert b"lock" in refused.stderr
    assert let.returncode == 0, let.stderr


def test_a_file_that_is_gone_is_not_replaced(file: Path) -> None:
    opened = open_file(file)
    file.unlink()

    assert not opened.replaced
    assert not opened.overwritten
    opened.close()


def test_it_is_opened_and_closed_by_many_threads(file: Path) -> None:
    def read(_: int) -> int:
        opened = open_file(file)
        try:
            return rows_of(opened)
        finally:
            opened.close()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(read, range(200))) == {3}


def test_what_cannot_be_opened_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    file = tmp_path / "none.duckdb"
    file.write_bytes(b"x" * 20_000)
    for _ in range(2):
        with pytest.raises(duckdb.Error):
            open_file(file)

    assert not [*temporary.iterdir()]


def test_a_process_that_is_forked_does_not_sort_in_the_folder_of_its_parent(file: Path) -> None:
    opened = open_file(file)
    child = os.fork()
    if not child:
        try:
            open_file(file)
        except duckdb.ConnectionException:
            os._exit(7)
        finally:
            os._exit(8)
    _, status = os.waitpid(child, 0)
    opened.close()

    assert os.waitstatus_to_exitcode(status) == 7

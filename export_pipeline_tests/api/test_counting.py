"""What is told of a source whose rows cannot be counted: it is the operator's to mend, not ours to excuse."""

from pathlib import Path

import httpx
import pytest

from export_pipeline_tests.api.conftest import Api, Somebody, serving
from export_pipeline_tests.api.test_counts_at_once import ASKED, DRY_RUN, ESTIMATE, RANGE
from export_pipeline_tests.installations import an_installation
from export_pipeline_tests.servers.ports import free_port


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("duckdb:///{folder}/none.duckdb", "there is no DuckDB file none.duckdb; correct the source's URL"),
        ("sqlite:///{folder}/none.sqlite", "there is no SQLite file none.sqlite; correct the source's URL"),
        ("mysql://u:hunter2@127.0.0.1:{port}/flights?ssl_ca={folder}/none.crt", "see that the files that"),
        ("oracel://u:hunter2@127.0.0.1/flights", "for which no driver is installed"),
    ],
    ids=["DuckDB", "SQLite", "a certificate", "a driver"],
)
def test_whoever_has_rows_counted_is_told_what_the_operator_has_to_mend(
    tmp_path: Path, source: str, said: str
) -> None:
    url = source.format(folder=tmp_path / "of the operator", port=free_port())
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EVENTS_URL=url) as address,
    ):
        answers = counts(Api(address, installation, tmp_path / "log"))

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("cannot be counted until the operator has mended this" in answer.text for answer in answers)
    assert all(said in answer.text for answer in answers)
    assert not any(secret in answer.text for answer in answers for secret in ("of the operator", "hunter2"))
    assert (tmp_path / "log").read_text().count(said) == 2


def test_whoever_has_rows_counted_is_told_the_variable_that_is_not_set(tmp_path: Path) -> None:
    said = "cannot be counted until the operator has mended this: NOWHERE_URL is not set; set it"
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log") as address,
    ):
        declaration = installation.folder / "dataset.toml"
        declaration.write_text(declaration.read_text().replace("EVENTS_URL", "NOWHERE_URL"))
        answers = counts(Api(address, installation, tmp_path / "log"))

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(said in answer.text for answer in answers)
    assert not any(str(tmp_path) in answer.text for answer in answers)
    assert (tmp_path / "log").read_text().count("NOWHERE_URL is not set") == 2


def counts(api: Api) -> list[httpx.Response]:
    """What each face that counts answers."""
    organization = api.organization()
    with api.client(api.key(organization)) as http:
        Somebody(organization, http).lake()
        return [http.post(DRY_RUN, json=ASKED), http.get(ESTIMATE, params=RANGE)]

"""What is particular to PostgreSQL."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract import csv_rows
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.source import Source
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.meaning import holds
from export_pipeline.filters.tree import EVERY_ROW, Comparison, Contains
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import SEEN, a_table, read
from export_pipeline_tests.servers.certificates import Certificates, certificates
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.postgres import programs_with_tls, running_postgres


def test_a_wrong_password_is_not_worth_a_retry_and_not_shown(postgres_database: str) -> None:
    url = sa.make_url(postgres_database).set(password="hunter2").render_as_string(hide_password=False)
    with (
        pytest.raises(PermanentFailure, match="authentication failed") as failure,
        open_source(url).snapshot(),
    ):
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


def test_a_server_that_is_down_is_worth_a_retry() -> None:
    url = f"postgresql://me:hunter2@127.0.0.1:{free_port()}/db"
    with pytest.raises(TransientFailure, match="refused") as failure, open_source(url).snapshot():
        pass
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    "setting", ["timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "extra_float_digits = 0"]
)
def test_a_database_with_settings_of_its_own_is_read_alike(postgres_database: str, setting: str) -> None:
    _run(postgres_database, "create table events (id bigint, seen timestamptz, ratio double precision)")
    _run(postgres_database, "insert into events values (1, '2013-01-01 00:30:00+00', 0.1 + 0.2::float8)")
    name = sa.make_url(postgres_database).database
    _run(postgres_database, f"alter database {name} set {setting}")
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        (row,) = read(snapshot, a_table(a_column("ratio", "float64"))).to_pylist()
    assert (row["seen"], row["ratio"]) == (SEEN, 0.1 + 0.2)


def test_what_a_view_stumbles_over_is_not_shown(postgres_database: str) -> None:
    _run(postgres_database, "create table raw (id bigint, seen timestamptz, word text)")
    _run(postgres_database, "insert into raw values (1, '2013-01-01 00:30:00+00', 'top secret')")
    _run(postgres_database, "create view events as select id, seen, word::int from raw")
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        with pytest.raises(PermanentFailure, match="refused") as failure:
            read(snapshot, a_table(a_column("word", "int32")))
        assert "secret" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("change", "user", "option"),
    [
        (
            "create role somebody login password 'x'; revoke connect on database {} from public",
            "somebody",
            {},
        ),
        ("create role somebody password 'x'", "somebody", {}),
        ("select 1", None, {"sslmode": "require"}),
    ],
    ids=["no right to connect", "no right to log in", "no TLS"],
)
def test_what_only_a_person_can_put_right_is_not_worth_a_retry(
    postgres_database: str, change: str, user: str | None, option: Mapping[str, str]
) -> None:
    url = sa.make_url(postgres_database)
    _run(postgres_database, change.format(url.database))
    if user is not None:
        url = url.set(username=user, password="x")
    url = url.update_query_dict(option)
    try:
        with (
            pytest.raises(PermanentFailure, match="cannot be opened"),
            open_source(url.render_as_string(hide_password=False)).snapshot(),
        ):
            pass
    finally:
        _run(postgres_database, "drop role if exists somebody")


def test_bytes_that_are_no_text_are_refused_by_name(postgres_url: str) -> None:
    """A database of no encoding takes any."""
    _run_alone(postgres_url, "create database plain encoding 'SQL_ASCII' locale 'C' template template0")
    plain = sa.make_url(postgres_url).set(database="plain").update_query_dict({"client_encoding": "utf8"})
    url = plain.render_as_string(hide_password=False)
    try:
        _run(url, 'create table events (id bigint, seen timestamptz, word text, "été" int)')
        _run(url, "insert into events values (0, '2013-01-01 00:30:00+00', 'é', 5)")
        with closing(open_source(url)) as source, source.snapshot() as snapshot:
            (row,) = read(snapshot, a_table(a_column("word"), a_column("été", "int32"))).to_pylist()
            assert (row["word"], row["été"]) == ("é", 5)
        _run(url, "insert into events values (1, '2013-01-01 00:30:00+00', E'secret\\xff')")
        with closing(open_source(url)) as source, source.snapshot() as snapshot:
            with pytest.raises(PermanentFailure, match=r"events\.word is declared string") as failure:
                read(snapshot, a_table(a_column("word")))
            assert "secret" not in "".join(traceback.format_exception(failure.value))
    finally:
        _run_alone(postgres_url, "drop database plain with (force)")


def test_values_of_a_filter_are_literals_whatever_they_hold(postgres_database: str) -> None:
    _run(postgres_database, "create table events (id bigint, seen timestamptz, word text)")
    texts = ["'; drop table events; --", "\\", "%s %(word)s", "$1 ?", "E'\\n'"]
    table = a_table(a_column("word"))
    database = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    with database.begin() as connection:
        for number, text in enumerate(texts):
            connection.execute(
                sa.text("insert into events values (:id, '2013-01-01 00:30:00+00', :word)"),
                {"id": number, "word": text},
            )
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        for text in texts:
            found = read(snapshot, table, filter_=Comparison("word", "==", text))
            assert found.column("word").to_pylist() == [text]


HOSTILE = ["Québec", "kiosk", "x' OR true --", "a\\'b", "\\", "¿' OR true --", "'; drop table events; --"]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "WIN1252", "EUC_JIS_2004", "UTF8"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"client_encoding": "latin1"},
        {"client_encoding": "SQL_ASCII"},
        {"client_encoding": "sjis"},  # in which the second byte of a character may be a backslash
        {"options": "-c client_encoding=big5 -c standard_conforming_strings=off -c backslash_quote=on"},
    ],
    ids=str,
)
def test_a_filters_text_is_that_text_in_every_encoding(
    postgres_url: str, encoding: str, options: dict[str, str]
) -> None:
    made = f"create database odd encoding '{encoding}' locale 'C' locale_provider libc template template0"
    _run_alone(postgres_url, made)
    plain = sa.make_url(postgres_url).set(database="odd").update_query_dict({"client_encoding": "utf8"})
    asked = plain.update_query_dict(options).render_as_string(hide_password=False)
    try:
        database = sa.create_engine(plain, poolclass=sa.NullPool)
        with database.begin() as connection:
            connection.exec_driver_sql("create table events (id bigint, seen timestamptz, word text)")
            insert = "insert into events values (%s, '2013-01-01 00:30:00+00', %s)"
            connection.exec_driver_sql(insert, list(enumerate(HOSTILE)))
        table = a_table(a_column("word"))
        with closing(open_source(asked)) as source:
            for text in HOSTILE:
                for filter_ in (Comparison("word", "==", text), Contains("word", text.upper())):
                    with source.snapshot() as snapshot:
                        found = read(snapshot, table, filter_=filter_).column("word").to_pylist()
                    assert found == [word for word in HOSTILE if holds(filter_, {"word": word})]
    finally:
        _run_alone(postgres_url, "drop database odd with (force)")


@pytest.mark.parametrize(
    ("type_", "value", "arrives", "compared"),
    [("char(3)", "'a'", "a  ", "a"), ("inet", "'10.0.0.1'", "10.0.0.1", "10.0.0.1/32")],
)
def test_a_few_types_are_compared_as_postgresql_casts_them_to_text(
    postgres_database: str, type_: str, value: str, arrives: str, compared: str
) -> None:
    """As docs/sources.md says: `COPY` writes these otherwise."""
    _run(postgres_database, f"create table events (id bigint, seen timestamptz, word {type_})")
    _run(postgres_database, f"insert into events values (1, '2013-01-01 00:30:00+00', {value})")
    table = a_table(a_column("word"))
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        found = read(snapshot, table, filter_=Comparison("word", "==", compared))
        assert found.column("word").to_pylist() == [arrives]
        assert read(snapshot, table, filter_=Comparison("word", "==", arrives)).num_rows == 0


def test_wide_rows_come_in_smaller_batches(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BYTES_PER_BLOCK", 100_000)
    _run(postgres_database, "create table events (id bigint, seen timestamptz, word text)")
    _run(
        postgres_database,
        "insert into events select i, '2013-01-01 00:30:00+00', repeat('x', 60000)"
        " from generate_series(1, 6) i",
    )
    with closing(open_source(postgres_database)) as source, source.snapshot() as snapshot:
        got = read(snapshot, a_table(a_column("word")))
    assert got.num_rows == 6
    assert got.column("word").num_chunks == 3


def test_a_connection_that_is_lost_while_rows_come_is_the_sources(postgres_database: str) -> None:
    """Not the control database's, which SQLAlchemy's own error would be taken for; and worth a retry."""
    _run(postgres_database, "create table events (id bigint, seen timestamptz, word text)")
    _run(
        postgres_database,
        "insert into events select i, '2013-01-01 00:30:00+00', repeat('x', 1000)"
        " from generate_series(1, 60000) i",
    )
    table = a_table(a_column("word"))
    rows, schema = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None), arrow_schema(table.columns)

    def read_while_it_is_lost(source: Source) -> None:
        with source.snapshot() as snapshot:
            for _ in snapshot.batches(rows, schema):
                _run(
                    postgres_database,
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where pid <> pg_backend_pid() and datname = current_database()",
                )

    with closing(open_source(postgres_database)) as source:
        with pytest.raises(TransientFailure, match="postgresql database"):
            read_while_it_is_lost(source)
        with source.snapshot() as snapshot:
            assert snapshot.count(rows) == 60_000


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Certificates]]:
    programs = programs_with_tls()
    if programs is None:
        pytest.skip("no PostgreSQL with TLS on this machine (Debian's packages have it, the wheel has not)")
    made = certificates(tmp_path_factory.mktemp("certificates"))
    with running_postgres(programs, made) as url:
        yield url, made


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_with_tls_is_read_as_the_url_asks(tls: tuple[str, Certificates], mode: str) -> None:
    url, made = tls
    asked = sa.make_url(url).update_query_dict({"sslmode": mode, "sslrootcert": str(made.authority)})
    with (
        closing(open_source(asked.render_as_string(hide_password=False))) as source,
        source.snapshot() as snapshot,
    ):
        connection: sa.Connection = vars(snapshot)["connection"]
        assert connection.exec_driver_sql("select ssl from pg_stat_ssl where pid = pg_backend_pid()").scalar()


def test_a_certificate_of_another_authority_is_refused(tls: tuple[str, Certificates], tmp_path: Path) -> None:
    url, _ = tls
    another = certificates(tmp_path).authority
    asked = sa.make_url(url).update_query_dict({"sslmode": "verify-full", "sslrootcert": str(another)})
    with (
        pytest.raises(PermanentFailure, match="certificate"),
        open_source(asked.render_as_string(hide_password=False)).snapshot(),
    ):
        pass


def test_where_the_authoritys_certificate_should_lie_is_not_told(
    tls: tuple[str, Certificates], tmp_path: Path
) -> None:
    url, _ = tls
    asked = sa.make_url(url).update_query_dict(
        {"sslmode": "verify-full", "sslrootcert": f"{tmp_path}/none.crt"}
    )
    with (
        pytest.raises(PermanentFailure, match="root certificate file does not exist") as failure,
        open_source(asked.render_as_string(hide_password=False)).snapshot(),
    ):
        pass
    assert str(tmp_path) not in str(failure.value)


def _run_alone(url: str, statement: str) -> None:
    """Outside of a transaction."""
    database = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with database.connect() as connection:
        connection.exec_driver_sql(statement)
    database.dispose()


def _run(url: str, statement: str) -> None:
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.begin() as connection:
        connection.exec_driver_sql(statement)
    database.dispose()

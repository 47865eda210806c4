"""Neither secrets nor the queries of addresses are shown."""

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.showing import shown, without_queries


def test_secrets_and_queries_are_masked() -> None:
    config = config_from(
        {
            "type": "s3",
            "bucket": "acme",
            "access_key_id": "id",
            "secret_access_key": "hunter2",
            "read": {"access_key_id": "reader", "secret_access_key": "hunter3"},
        }
    )

    shows = shown(config)

    assert shows["bucket"] == "acme"
    assert "hunter" not in str(shows)


def test_the_query_of_an_address_is_not_shown_wherever_it_stands() -> None:
    plain = {"url": "https://x.example/$key", "method": "PUT", "prefix": "what?", "read": None}
    assert without_queries(plain) == plain

    masked = without_queries(
        {"url": "https://x.example/$key?sig=hunter2", "read": {"url": "http://y.example?key=hunter2"}}
    )

    assert masked == {
        "url": "https://x.example/$key?**********",
        "read": {"url": "http://y.example?**********"},
    }

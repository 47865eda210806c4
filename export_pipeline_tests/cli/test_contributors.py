"""Who contributes, from the command line."""

from datetime import UTC, datetime

from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.store.database import reading, writing
from export_pipeline.store.webhook_answers import keep_answers, webhooks_of
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.contributed import a_data_connector, a_record, an_entity_type
from export_pipeline_tests.installations import Installation

WEBHOOK = "https://data.example.com/hook"


def test_contributors_are_listed_with_their_records_and_their_webhooks_failures(
    call_cli: CallCli, installation: Installation
) -> None:
    control = installation.deployment.control
    country = an_entity_type(control, organization="default")
    wikipedia = a_data_connector(control, country, webhook=WEBHOOK)
    a_data_connector(control, country, "atlas", live=False)
    a_record(control, wikipedia, "fr", {})
    a_record(control, wikipedia, "de", {})
    with reading(control) as connection:
        (hook,) = webhooks_of(connection, "default", "country")
    with writing(control) as connection:
        said = {"fr": Reason.TOO_SLOW, "de": Reason.TOO_SLOW, "at": Reason.REFUSED}
        keep_answers(connection, hook, said, datetime.now(UTC))

    listed = call_cli("contributor", "list")
    atlas, other = call_cli("contributor", "list", "--json").document["contributors"]

    assert (atlas["connector"], atlas["is_live"], atlas["records"]) == ("atlas", False, 0)
    assert (other["connector"], other["is_live"], other["records"]) == ("wikipedia", True, 2)
    assert (other["webhook"], other["in_session"]) == (WEBHOOK, False)
    assert other["webhook_failures"] == {"too slow": 2, "refused": 1}
    lines = [line.split() for line in listed.out.splitlines()]
    assert ["country", "atlas", "no", "no", "0", "no", "webhook"] in lines
    assert [*["country", "wikipedia", "yes", "no", "2", "1", "refused,", "2", "too", "slow"]] in lines


def test_while_nobody_contributes_it_says_where_to_begin(call_cli: CallCli) -> None:
    assert "docs/api/bitbroker.md" in call_cli("contributor", "list").out

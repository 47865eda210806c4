"""A store that tells that it has something else than it was sent: no hour is delivered by that.

Whoever reads is refused there, so nobody can read back what was written; the store's word is all there is.
"""

import json
from dataclasses import dataclass

import pytest

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline_tests.acceptance.commands import Shell, file_of, receipt_of, shell
from export_pipeline_tests.connectors.conftest import Users, http_users, s3_users  # noqa: F401
from export_pipeline_tests.connectors.objects import keys, led_to, port_of, put, read
from export_pipeline_tests.connectors.test_s3_upload import is_publishing
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.servers.fault_proxy import Fault, Once, Request, fault_proxy
from export_pipeline_tests.servers.http import Receiver

HOUR = hours(0, 0)[0]
FILE, RECEIPT = file_of("events", HOUR), receipt_of("events", HOUR)


def is_file(request: Request) -> bool:
    return is_publishing(request) and f"/{FILE}" in request.path


def is_receipt(request: Request) -> bool:
    return is_publishing(request) and f"/{RECEIPT}" in request.path


@dataclass(slots=True)
class Spoiling:
    """A plan: as long as it is on, the store says of the hour's file that it took something else."""

    on: bool = True

    def __call__(self, request: Request) -> Fault | None:
        return Fault.SPOILT if self.on and is_file(request) else None


@pytest.fixture(params=["http", pytest.param("s3", marks=pytest.mark.slow)])
def users(request: pytest.FixtureRequest, http_receiver: Receiver) -> Users:
    """Of the stores that tell what they took."""
    http_receiver.behaviour.tells_digest = True
    found: Users = request.getfixturevalue(f"{request.param}_users")
    return found


def refused_to_read(users: Users) -> ConnectorConfig:
    """Somebody who may write and nothing else, with credentials for reading that the store does not know."""
    return users.writer.model_copy(update={"read": getattr(users.misread, "read", None)})


def set_up(installation: Installation, config: ConnectorConfig) -> Shell:
    customer = shell(installation)
    customer.connector("acme", config)
    customer.export("events", "acme")
    return customer


def test_while_a_store_spoils_an_hour_it_fails_and_once_it_is_well_the_hour_is_replaced(
    installation: Installation, users: Users
) -> None:
    plan, owner = Spoiling(), users.owner.open()
    with fault_proxy(port_of(users.owner), plan) as proxy:
        customer = set_up(installation, led_to(proxy.url, refused_to_read(users)))

        printed = customer.deliver("events", HOUR, code=1)

        assert "it took something else than was sent" in printed
        assert keys(owner, "events/") == [FILE]
        covered = customer.coverage("events")
        assert covered["hours"] == 0
        assert ["it took something else" in failure["message"] for failure in covered["failures"]] == [True]
        there = owner.head(FILE)
        assert there is not None
        put(owner, FILE, read(owner, FILE)[::-1], replaces=there.version, metadata=there.metadata)

        plan.on = False
        customer.deliver("events", HOUR)

        assert keys(owner, "events/") == [FILE, RECEIPT]
        assert read(owner, FILE).startswith(b"happened_at,id,")
        covered = customer.coverage("events")
        assert (covered["hours"], covered["rows"], covered["failures"]) == (1, ROWS_PER_HOUR, [])
        (file,) = json.loads(read(owner, RECEIPT))["payload"]["files"]
        assert file["proof"] == "store's checksum"
        assert users.apart is not None
        customer.connector("acme", led_to(proxy.url, users.apart), verb="replace")
        customer.export_pipeline("verify", "events")


def test_what_is_spoilt_once_is_replaced_by_the_same_run(installation: Installation, users: Users) -> None:
    owner = users.owner.open()
    assert users.misread is not None
    with fault_proxy(port_of(users.owner), Once(Fault.SPOILT, is_file)) as proxy:
        customer = set_up(installation, led_to(proxy.url, users.misread))

        customer.deliver("events", HOUR)

        written = [request for request, _ in proxy.arrivals if is_file(request) or is_receipt(request)]
        assert [is_receipt(request) for request in written] == [False, False, True]
    assert keys(owner, "events/") == [FILE, RECEIPT]
    customer.connector("acme", users.owner, verb="replace")
    customer.export_pipeline("verify", "events")

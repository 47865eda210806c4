"""Somebody else's object at the key of an hour: it stays as it is, and the customer is told what to do."""

from itertools import product

import pytest

from export_pipeline_tests.acceptance.commands import file_of, receipt_of, shell
from export_pipeline_tests.connectors.conftest import (  # noqa: F401
    Users,
    azure_users,
    gcs_users,
    http_users,
    s3_users,
)
from export_pipeline_tests.connectors.objects import keys, put, read
from export_pipeline_tests.installations import Installation, hours

HOUR = hours(0, 0)[0]
FILE, RECEIPT = file_of("events", HOUR), receipt_of("events", HOUR)

NOT_OURS = (
    f"'{FILE}' is there already and not this export's (default/events), or somebody changed it; move it away,"
    " or change the export's path"
)
NOBODY_KNOWS = (
    f"'{FILE}' is there already, and nobody may look whether it is this export's; move it away, or give the"
    " connector credentials that may read"
)


@pytest.mark.parametrize(
    ("store", "who"),
    [
        ("s3", "writer"),
        *(
            pytest.param(store, who, marks=pytest.mark.slow)
            for store, who in [
                ("s3", "apart"),
                *product(["http"], ["apart", "writer"]),
                *product(["azure", "gcs"], ["writer"]),
            ]
        ),
    ],
)
def test_it_is_left_alone_however_often_the_hour_is_tried_until_it_is_moved_away(
    installation: Installation, request: pytest.FixtureRequest, store: str, who: str
) -> None:
    told = NOT_OURS if who == "apart" else NOBODY_KNOWS
    users: Users = request.getfixturevalue(f"{store}_users")
    customer = shell(installation)
    customer.connector("acme", getattr(users, who))
    customer.export("events", "acme")
    owner = users.owner.open()
    put(owner, FILE, b"precious")
    before = owner.head(FILE)

    for _ in range(2):
        assert told in customer.deliver("events", HOUR, code=1)

    assert (owner.head(FILE), read(owner, FILE)) == (before, b"precious")
    assert keys(owner, "events/") == [FILE]
    covered = customer.coverage("events")
    assert (covered["hours"], [failure["message"] for failure in covered["failures"]]) == (0, [told])

    owner.delete(FILE)
    customer.deliver("events", HOUR)

    assert keys(owner, "events/") == [FILE, RECEIPT]

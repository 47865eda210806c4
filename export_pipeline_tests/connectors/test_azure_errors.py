"""What refusals of Azure become."""

import pytest

from export_pipeline.connectors.azure_errors import Refusal
from export_pipeline.errors import Conflict, Denied, HourFailed, Kept, PermanentFailure, TransientFailure


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (403, "AuthenticationFailed", Denied, "the account's name and its key"),
        (403, "AuthorizationPermissionMismatch", Denied, "check the connector's credentials"),
        (401, "", Denied, "check the connector's credentials"),
        (404, "ContainerNotFound", PermanentFailure, "no such container"),
        (409, "InvalidBlobType", PermanentFailure, "of another kind"),
        (
            409,
            "BlobImmutableDueToPolicy",
            Kept,
            "the container's immutability policy, or a legal hold, keeps",
        ),
        (409, "BlobArchived", PermanentFailure, "access_tier"),
        (412, "LeaseIdMissing", PermanentFailure, "break the lease"),
        (400, "EncryptionScopeNotFound", PermanentFailure, "encryption_scope"),
        (400, "InvalidHeaderValue", PermanentFailure, "change the connector's configuration"),
        (409, "BlobAlreadyExists", Conflict, "try again"),
        (412, "ConditionNotMet", Conflict, "try again"),
        (404, "BlobNotFound", Conflict, "try again"),
        (400, "InvalidBlockList", Conflict, "try again"),
        (409, "ContainerBeingDeleted", TransientFailure, "again later"),
        (400, "Md5Mismatch", TransientFailure, "again later (Md5Mismatch)"),
        (408, "", TransientFailure, "again later"),
        (429, "", TransientFailure, "again later"),
        (500, "InternalError", TransientFailure, "again later"),
        (503, "ServerBusy", TransientFailure, "again later"),
        (302, "", PermanentFailure, "change `endpoint_url` (status 302)"),
        (206, "", TransientFailure, "again later"),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do_next(
    status: int, code: str, kind: type[HourFailed], says: str
) -> None:
    failure = Refusal(status=status, code=code, wait=None).failure("write", "a/b.csv", container="sales")

    assert type(failure) is kind
    assert says in str(failure)
    assert "'a/b.csv'" in str(failure)
    assert "'sales'" in str(failure)


@pytest.mark.parametrize("status", [400, 403, 409, 503])
def test_what_is_no_word_of_azures_is_not_told(status: int) -> None:
    for code in ("/sales/a?sv=2024&sig=the%2Btoken%3D", "x" * 60_000, "a\r\nb"):
        failure = Refusal(status=status, code=code, wait=None).failure("write", "a.csv", container="sales")
        assert code not in str(failure)
        assert len(str(failure)) < 300


def test_a_store_that_asks_for_a_while_is_heard() -> None:
    failure = Refusal(status=503, code="ServerBusy", wait=7).failure("write", "a", container="sales")

    assert isinstance(failure, TransientFailure)
    assert failure.wait == 7


@pytest.mark.parametrize(
    ("status", "open_"), [(500, True), (504, True), (503, False), (429, False), (412, False)]
)
def test_a_refusal_says_whether_what_was_asked_for_may_have_been_done(status: int, open_: bool) -> None:
    assert (
        Refusal(status=status, code="", wait=None).failure("write", "a", container="sales").unheard is open_
    )

"""Which answer each of our errors is."""

import pytest

from export_pipeline import errors
from export_pipeline.api.problems import (
    LONGEST_FIELD,
    LONGEST_MESSAGE,
    OURS,
    Fault,
    problem_of,
    problem_of_input,
)
from export_pipeline.contributions.mistakes import Mistake, Rejected
from export_pipeline.errors import ExportPipelineError, InvalidRequest, TooManyRequests, TransientFailure


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("name: is taken", field="name"), 400),
        (errors.Unauthenticated("who"), 401),
        (errors.Forbidden("no"), 403),
        (errors.NotFound("none"), 404),
        (errors.AlreadyExists("there"), 409),
        (errors.InUse("used"), 409),
        (errors.WrongState("stopped", state="STOPPED", allowed=("start",)), 409),
        (errors.Gone("was"), 410),
        (errors.PreconditionFailed("changed"), 412),
        (TooManyRequests("often", wait=2.2), 429),
        (TransientFailure("later", wait=5), 503),
    ],
)
def test_an_error_is_an_answer(error: ExportPipelineError, status: int) -> None:
    problem = problem_of(error)

    assert problem.status == status
    assert problem.message == str(error)


def test_an_error_that_is_ours_is_not_told() -> None:
    problem = problem_of(ExportPipelineError("the key file /etc/secret cannot be read"))

    assert problem.status == 500
    assert problem.message == OURS


def test_the_field_is_told_apart() -> None:
    (fault,) = problem_of(InvalidRequest("until: is not after since", field="until")).faults

    assert fault == Fault(field="until", message="is not after since")


def test_what_can_be_done_instead_is_told_apart() -> None:
    refused = errors.WrongState("it is STOPPED", state="STOPPED", allowed=("start", "delete"))

    assert problem_of(refused).allowed == ("start", "delete")


def test_a_wait_is_rounded_up() -> None:
    assert problem_of(TooManyRequests("often", wait=2.2)).headers == {"Retry-After": "3"}


def test_input_is_told_by_field_without_its_values() -> None:
    problem = problem_of_input(
        [
            {"type": "missing", "loc": ("body", "name"), "msg": "Field required", "input": {"a": "secret"}},
            {"type": "extra_forbidden", "loc": ("body", "a", 0), "msg": "Extra", "input": "secret"},
            {
                "type": "value_error",
                "loc": ("query", "to"),
                "msg": "Value error, Must be later",
                "input": "secret",
            },
        ]
    )

    assert [fault.field for fault in problem.faults] == ["name", "a.0", "to"]
    assert problem.message == "name: is missing; a.0: there is no such field; leave it out; to: Must be later"


def test_an_answer_is_short_whatever_was_sent() -> None:
    """What is wrong stands at a message's beginning, and the cure at its end."""
    long = "x" * 1_000_000
    unknown = [{"type": "extra_forbidden", "loc": ("body", f"{long}{n}")} for n in range(200)]

    problem = problem_of(InvalidRequest(f"name: {long!r} is too long; choose another", field="name"))
    faults = problem_of_input(unknown)

    assert len(problem.message) < 5_000
    assert problem.message.startswith("name: 'xxx")
    assert problem.message.endswith("is too long; choose another")
    assert len(problem.faults[0].message) < 5_000
    assert len(faults.message) < 5_000
    assert faults.message.endswith("; and 100 more")
    assert len(faults.faults) == 100
    assert max(len(fault.field) for fault in faults.faults) < 300


def test_a_body_that_is_not_said_to_be_json_is_told_how_to_say_so() -> None:
    problem = problem_of_input([{"type": "model_attributes_type", "loc": ("body",), "input": b'{"a": 1}'}])

    assert problem.message == "the body is not said to be JSON; send it with Content-Type: application/json"


def test_what_customers_named_is_not_told_without_end() -> None:
    long = Mistake(name="records." + "n" * 9_000, reason="r" * 9_000, index=3)

    (fault,) = problem_of(Rejected([long])).faults

    assert fault.index == 3
    assert len(fault.field) < LONGEST_FIELD + 10
    assert len(fault.message) < LONGEST_MESSAGE + 10

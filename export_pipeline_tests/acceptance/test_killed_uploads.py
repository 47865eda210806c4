"""A run that is killed with SIGKILL while it writes to a store, and the same command again after it.

By those who may look at what lies there, and by those who may write and nothing else. The rows are others by
then, so that what the killed run left cannot pass for the hour.
"""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from subprocess import Popen

import pytest
from pydantic import SecretStr

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.http import HttpConfig, HttpReading
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.receipts.verifying import verify
from export_pipeline.windows import HourWindow
from export_pipeline_tests.acceptance.commands import (
    SECONDS,
    STAMP,
    Shell,
    begin,
    file_of,
    materializing,
    receipt_of,
    shell,
)
from export_pipeline_tests.connectors.objects import keys, led_to, port_of, read
from export_pipeline_tests.connectors.test_s3_upload import is_publishing, is_put, unfinished
from export_pipeline_tests.installations import ROWS_PER_HOUR, an_installation, hours
from export_pipeline_tests.servers.fault_proxy import Fault, Request, fault_proxy
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.s3 import S3Server, User

# So many rows for each make an hour's file larger than what S3 takes in one part.
COPIES = 10_000
ROWS = ROWS_PER_HOUR * COPIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the run is killed: as it makes the request of an object that `concerns`, or, where the answer to
    that is lost first, the next one. `left` are the objects that are there then, `unfinished` is how many
    uploads in parts are.
    """

    hour: HourWindow
    of_receipt: bool = False
    concerns: Callable[[Request], bool] = is_publishing
    becomes: Fault | None = Fault.RESET
    answer_lost_first: bool = False
    left: int
    unfinished: int = 0

    @property
    def file(self) -> str:
        return file_of("events", self.hour)

    @property
    def receipt(self) -> str:
        return receipt_of("events", self.hour)


def is_sending(request: Request) -> bool:
    """All of the object, or the second of its parts."""
    return is_put(request) and ("partNumber=2" in request.path or "partNumber=" not in request.path)


# Each has an hour of its own.
MOMENTS = {
    "in the middle of a part": Moment(
        hour=hours(0, 0)[0], concerns=is_sending, becomes=None, left=0, unfinished=1
    ),
    "before the parts are joined": Moment(hour=hours(1, 1)[0], left=0, unfinished=1),
    "after an answer that was lost": Moment(hour=hours(2, 2)[0], answer_lost_first=True, left=1),
    "before the receipt": Moment(hour=hours(4, 4)[0], of_receipt=True, left=1),
    "after the receipt": Moment(hour=hours(5, 5)[0], of_receipt=True, answer_lost_first=True, left=2),
}


@dataclass(slots=True)
class Killing:
    """A plan that kills `process` at its moment."""

    process: Popen[str] | None = None
    moment: Moment | None = None
    met: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Fault | None:
        if self.process is None or self.moment is None or not (self.met or self._is_it(request)):
            return None
        self.met.append(request)
        if self.moment.answer_lost_first and len(self.met) == 1:
            return Fault.RESET_AFTER
        self.process.kill()
        return self.moment.becomes

    def _is_it(self, request: Request) -> bool:
        assert self.moment is not None
        key = self.moment.receipt if self.moment.of_receipt else self.moment.file
        return self.moment.concerns(request) and f"/{key}" in request.path


# Of the moments, and of who may do what; each takes a quarter of a minute.
BY_DEFAULT = ("before the parts are joined", "after an answer that was lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody with an export through a proxy. `owner` leads to the same place and may do all there."""

    shell: Shell
    plan: Killing
    owner: ConnectorConfig
    may_look: bool
    s3: S3Server | None

    def there(self, moment: Moment) -> list[str]:
        """Those of the hour's objects that are there."""
        return [key for key in keys(self.owner.open(), "events/") if f"/{moment.hour.start:{STAMP}}." in key]

    def unfinished(self) -> int:
        """How many uploads in parts are neither joined nor ended."""
        if self.s3 is None or not isinstance(self.owner, S3Config):
            return 0
        return len(unfinished(self.s3, self.owner.bucket))

    def killed(self, moment: Moment) -> None:
        """Begin to deliver the hour, and be killed."""
        self.plan.met.clear()
        self.plan.moment = moment
        command = materializing("events", moment.hour)
        with begin("dagster", *command, environ=self.shell.environ) as process:
            self.plan.process = process
            try:
                printed, _ = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
                self.plan.process = None
        assert process.returncode == -signal.SIGKILL, printed


@pytest.fixture(
    scope="module",
    params=[
        "s3, who may not look",
        pytest.param("s3, who looks", marks=pytest.mark.slow),
        pytest.param("http, who may not look", marks=pytest.mark.slow),
    ],
)
def customer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    store, who = request.param.split(", ")
    may_look, s3, plan = who == "who looks", None, Killing()
    config: ConnectorConfig
    owner: ConnectorConfig
    if store == "s3":
        s3 = request.getfixturevalue("running_s3")
        config, owner = to_bucket(s3, may_look=may_look)
    else:
        config, owner = to_receiver(request.getfixturevalue("running_receiver"), may_look=may_look)
    with (
        an_installation(tmp_path_factory.mktemp("killed") / "home") as installation,
        fault_proxy(port_of(owner), plan) as proxy,
    ):
        for moment in MOMENTS.values():
            installation.change_source(
                "INSERT INTO events"
                " SELECT happened_at + to_microseconds(j), id * 100000 + j + 1000, kind, amount"
                f" FROM events, range(1, {COPIES}) AS copies(j) WHERE {during(moment.hour)}"
            )
        typing = shell(installation)
        typing.connector("acme", led_to(proxy.url, config))
        typing.export("events", "acme")
        yield Customer(shell=typing, plan=plan, owner=owner, may_look=may_look, s3=s3)


def to_bucket(server: S3Server, *, may_look: bool) -> tuple[S3Config, S3Config]:
    """Who writes there and reads with other credentials, which may be refused; and the owner."""
    bucket = server.new_bucket()
    guessing = User(access_key_id=server.admin.access_key_id, secret_access_key="guessed-guessed")
    reader = server.reader if may_look else guessing
    return server.config(bucket, user=server.writer, read=reader.credentials), server.config(bucket)


def to_receiver(server: Receiver, *, may_look: bool) -> tuple[HttpConfig, HttpConfig]:
    """As for a bucket."""
    space = server.new_space()
    reading = HttpReading(bearer_token=server.token("r") if may_look else SecretStr("guessed-guessed"))
    config = server.config(space, bearer_token=server.token("w"), readable=False, read=reading)
    return config, server.config(space)


def during(hour: HourWindow) -> str:
    return f"happened_at >= '{hour.since.isoformat()}' AND happened_at < '{hour.until.isoformat()}'"


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, id=name, marks=[] if name in BY_DEFAULT else pytest.mark.slow)
        for name, moment in MOMENTS.items()
    ],
)
def test_the_same_command_again_makes_one_whole_hour_of_what_was_left(
    customer: Customer, moment: Moment
) -> None:
    customer.killed(moment)
    assert len(customer.there(moment)) == moment.left
    assert customer.unfinished() == (moment.unfinished if customer.s3 else 0)
    customer.shell.installation.change_source(
        f"UPDATE events SET amount = 999 WHERE kind IS NULL AND {during(moment.hour)}"
    )

    customer.shell.deliver("events", moment.hour)

    assert customer.there(moment) == [moment.file, moment.receipt]
    proven = verify(customer.owner.open(), moment.receipt)
    assert proven.problems == ()
    assert proven.receipt is not None
    assert proven.receipt.rows == ROWS
    assert b",999.00\r\n" in read(customer.owner.open(), moment.file)
    assert customer.unfinished() == 0
    if customer.may_look:
        bounds = ("--from", moment.hour.since.isoformat(), "--to", moment.hour.until.isoformat())
        customer.shell.export_pipeline("verify", "events", *bounds)

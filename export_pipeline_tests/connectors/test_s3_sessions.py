"""Roles that are taken on, on moto, which asks a role's trust policy before it gives credentials for it.

What Amazon does and moto does not: it refuses credentials of a role that have ended, asks for an external id
where none is sent, and heeds other conditions in a trust policy than StringEquals.
"""

import json
import traceback
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3.session
import pytest
from pydantic import SecretStr

from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.checking import check
from export_pipeline.connectors.role_service import ask_at
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.s3_sessions import session_of
from export_pipeline.errors import Denied, HourFailed, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Once, Request, fault_proxy
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.s3 import S3Server, User
from export_pipeline_tests.servers.site import site

HOUR, TEN_MINUTES = timedelta(hours=1), timedelta(minutes=10)
EXTERNAL_ID = "acme:7f3a"
RIGHTS = {
    "writer": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
    "reader": ["s3:GetObject", "s3:ListBucket"],
    "strangers": ["s3:PutObject"],
    "anybodys": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"],
}


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account: a bucket, roles to write and to read it, and who may take them on."""

    server: S3Server
    user: User  # who has no right but to take on roles
    roles: Mapping[str, str]
    bucket: str

    def config(self, role: str = "writer", *, external_id: str | None = EXTERNAL_ID, **more: Any) -> S3Config:
        return self.server.config(
            self.bucket,
            user=self.user,
            **{
                "role_arn": self.roles[role],
                "external_id": external_id,
                "sts_endpoint_url": self.server.endpoint_url,
                **more,
            },
        )


@pytest.fixture
def account(moto_server: S3Server) -> Account:
    admin = moto_server.admin
    session = boto3.session.Session(admin.access_key_id, admin.secret_access_key, region_name="us-east-1")
    iam = session.client("iam", endpoint_url=moto_server.endpoint_url)
    name = f"exporter-{uuid.uuid4().hex[:8]}"
    user_arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="roles", PolicyDocument=policy(["sts:AssumeRole"]))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    roles = {}
    for role, actions in RIGHTS.items():
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": user_arn if role != "strangers" else user_arn.replace(name, "admin")},
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }
        if role == "anybodys":
            del trust["Condition"]
        made = iam.create_role(
            RoleName=f"{role}-{name}",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        roles[role] = made["Role"]["Arn"]
        iam.put_role_policy(RoleName=f"{role}-{name}", PolicyName="rights", PolicyDocument=policy(actions))
    user = User(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    return Account(moto_server, user, roles, moto_server.new_bucket())


def policy(actions: list[str]) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def in_our_name(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user of the account is this process's own identity, and its roles are asked for at the server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.user.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account.user.secret_access_key)
    ask_at(account.server.endpoint_url)
    yield
    ask_at(None)


@pytest.mark.parametrize("name", VARIABLES)
def test_whom_the_operator_trusts_is_trusted_in_our_own_name_too(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "/operators.pem")

    session = session_of(S3Credentials(), region="eu-south-2", sts_endpoint_url=None)

    assert session.get_config_variable("ca_bundle") == "/operators.pem"


def keyless(account: Account, role: str, **changes: Any) -> S3Config:
    """A bucket that is written to in our own name."""
    return account.config(role, access_key_id=None, secret_access_key=None, sts_endpoint_url=None, **changes)


@pytest.mark.usefixtures("in_our_name")
def test_a_role_that_asks_for_its_external_id_is_taken_on_in_our_own_name(account: Account) -> None:
    put(keyless(account, "writer").open(), "a.csv", b"1")

    with pytest.raises(Denied, match="its trust policy must allow sts:AssumeRole to the principal"):
        put(keyless(account, "writer", external_id="acme:another").open(), "b.csv", b"1")
    assert keys(account.config("reader").open()) == ["a.csv"]


@pytest.mark.usefixtures("in_our_name")
def test_a_role_that_is_given_to_us_for_anybody_is_not_taken_on(account: Account) -> None:
    destination = keyless(account, "anybodys").open()

    with pytest.raises(Denied, match=f"with any external id.* sts:ExternalId = {EXTERNAL_ID}"):
        put(destination, "a.csv", b"1")
    steps = [*check(destination, account.server.endpoint_url)]
    assert not steps[-1].ok
    assert "also for somebody else" in steps[-1].message


def test_a_role_that_a_key_of_the_customers_own_takes_on_need_not_ask(account: Account) -> None:
    put(account.config("anybodys").open(), "a.csv", b"1")

    assert keys(account.config("reader").open()) == ["a.csv"]


def test_one_role_writes_and_another_reads(account: Account) -> None:
    reading = S3Credentials(
        access_key_id=account.user.access_key_id,
        secret_access_key=SecretStr(account.user.secret_access_key),
        role_arn=account.roles["reader"],
        external_id=EXTERNAL_ID,
    )
    destination = account.config(read=reading).open()

    put(destination, "a.csv", noise(9 * MIB))

    assert read(destination, "a.csv") == noise(9 * MIB)
    with pytest.raises(Denied, match="not allowed to write"):
        put(account.config("reader").open(), "b.csv", b"1")
    assert keys(destination) == ["a.csv"]


def test_the_user_alone_may_do_nothing(account: Account) -> None:
    config = account.server.config(account.bucket, user=account.user)

    with pytest.raises(Denied, match="not allowed to write"):
        put(config.open(), "a.csv", b"1")


def test_a_wrong_external_id_is_told_with_what_the_trust_policy_must_say(account: Account) -> None:
    with pytest.raises(Denied, match="its trust policy must allow sts:AssumeRole") as caught:
        put(account.config(external_id="acme:another").open(), "a.csv", b"1")

    said = str(caught.value)
    assert account.roles["writer"] in said
    assert "principal arn:aws:iam::123456789012:user/exporter-" in said
    assert "sts:ExternalId = acme:another" in said
    assert account.user.secret_access_key not in "".join(traceback.format_exception(caught.value))


def test_a_role_that_trusts_somebody_else_is_refused(account: Account) -> None:
    with pytest.raises(Denied, match=r"could not take on the role .*:role/strangers.* give external_id"):
        put(account.config("strangers", external_id=None).open(), "a.csv", b"1")


def test_a_role_that_the_client_does_not_take_is_told_of_on_one_line(account: Account) -> None:
    with pytest.raises(PermanentFailure, match=r"could not take on the role .*RoleArn") as caught:
        put(account.config(role_arn="arn:a:iam:::role/x").open(), "a.csv", b"1")

    assert "\n" not in str(caught.value)


def test_a_wrong_key_is_told_from_a_wrong_role(account: Account) -> None:
    config = account.config(secret_access_key=SecretStr("guessed-guessed"))

    with pytest.raises(Denied, match="check access_key_id and secret_access_key") as caught:
        put(config.open(), "a.csv", b"1")

    assert "guessed" not in "".join(traceback.format_exception(caught.value))


def test_credentials_are_renewed_before_they_end_and_not_before(account: Account) -> None:
    asked: list[Request] = []
    with fault_proxy(account.server.port, asked.append) as proxy:
        credentials: Any = session_of(
            account.config(), region="us-east-1", sts_endpoint_url=proxy.url
        ).get_credentials()
        first = credentials.get_frozen_credentials()
        again = credentials.get_frozen_credentials()
        # The client's own clock is what it compares with the end of the credentials.
        now = credentials._time_fetcher
        credentials._time_fetcher = lambda: now() + HOUR - TEN_MINUTES
        renewed = credentials.get_frozen_credentials()

    assert first == again
    assert renewed.token != first.token
    assert len(asked) == 2


def test_a_service_that_is_down_is_worth_another_try(account: Account) -> None:
    plan = Once(Fault.UNAVAILABLE, lambda _: True, times=99)
    with (
        fault_proxy(account.server.port, plan) as proxy,
        pytest.raises(TransientFailure, match="try again later"),
    ):
        put(account.config(sts_endpoint_url=proxy.url).open(), "a.csv", b"1")
    nowhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(TransientFailure, match="no answer from"):
        put(account.config(sts_endpoint_url=nowhere).open(), "a.csv", b"1")


def test_a_host_that_the_client_does_not_take_is_named(account: Account) -> None:
    with pytest.raises(PermanentFailure, match=r"sts_endpoint_url names a host.*does not take"):
        put(account.config(sts_endpoint_url="http://my_sts:9000").open(), "a.csv", b"1")
    with pytest.raises(PermanentFailure, match=r"^endpoint_url names a host.*does not take"):
        account.config(endpoint_url="http://my_store:9000").open()


def test_a_service_inside_is_not_called_on(account: Account) -> None:
    with pytest.raises(PermanentFailure, match="must not call there"):
        put(account.config(sts_endpoint_url="http://169.254.169.254").open(), "a.csv", b"1")


GIVEN = {
    "AccessKeyId": "ASIA",
    "SecretAccessKey": "s",
    "SessionToken": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"SessionToken": "secret-token\nX: y"}, PermanentFailure, "is not a store of this kind"),
        ({"AccessKeyId": "AS\nX: y"}, PermanentFailure, "is not a store of this kind"),
        ({"SecretAccessKey": ""}, PermanentFailure, "is not a store of this kind"),
        ({"Expiration": ""}, PermanentFailure, "is not a store of this kind"),
        ({"Expiration": "2099-01-01T00:00:00"}, PermanentFailure, "is not a store of this kind"),
        ({"Expiration": "2020-01-01T00:00:00Z"}, TransientFailure, "have ended already; compare its clock"),
    ],
)
def test_credentials_that_nobody_can_ask_with_are_the_services_fault(
    account: Account, change: Mapping[str, str], kind: type[HourFailed], said: str
) -> None:
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in {**GIVEN, **change}.items() if value)
    answer = f"<AssumeRoleResponse><AssumeRoleResult><Credentials>{fields}</Credentials></AssumeRoleResult>"
    with site() as service:
        service.answer(200, {"Content-Type": "text/xml"}, [f"{answer}</AssumeRoleResponse>".encode()])
        with pytest.raises(kind, match=said) as refused:
            put(account.config(sts_endpoint_url=service.url).open(), "a.csv", b"1")

    assert service.url in str(refused.value)
    assert "secret-token" not in "".join(traceback.format_exception(refused.value))

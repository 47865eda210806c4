"""Roles in a customer's account on moto, which trust our identity under a condition, or under none."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import boto3.session

from export_pipeline_tests.servers.s3 import S3Server, User

RIGHTS = ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:AbortMultipartUpload"]


@dataclass(frozen=True)
class Account:
    """Who we are there, with no right but to take on roles; and a role that may do all with buckets."""

    server: S3Server
    us: User
    our_arn: str
    role_name: str
    role_arn: str

    def trust(self, external_id: str | None) -> None:
        """Have the role trust us under that external id alone; None: under any."""
        document = json.dumps(_trust(self.our_arn, external_id))
        _iam(self.server).update_assume_role_policy(RoleName=self.role_name, PolicyDocument=document)

    @property
    def environ(self) -> dict[str, str]:
        """What our processes have in their environment to be who we are, and to ask for roles there."""
        return {
            "AWS_ACCESS_KEY_ID": self.us.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.us.secret_access_key,
            "EXPORT_PIPELINE_STS_ENDPOINT_URL": self.server.endpoint_url,
        }


def an_account(server: S3Server) -> Account:
    """An account whose role trusts us under any external id."""
    iam = _iam(server)
    name = f"exporter-{uuid.uuid4().hex[:8]}"
    our_arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="roles", PolicyDocument=_policy(["sts:AssumeRole"]))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    role = iam.create_role(
        RoleName=f"role-{name}", AssumeRolePolicyDocument=json.dumps(_trust(our_arn, None))
    )["Role"]
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="rights", PolicyDocument=_policy(RIGHTS))
    us = User(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    return Account(server, us, our_arn, role["RoleName"], role["Arn"])


def _iam(server: S3Server) -> Any:
    session = boto3.session.Session(
        server.admin.access_key_id, server.admin.secret_access_key, region_name="us-east-1"
    )
    return session.client("iam", endpoint_url=server.endpoint_url)


def _trust(arn: str, external_id: str | None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn}}
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _policy(actions: list[str]) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

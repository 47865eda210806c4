"""The credentials of S3, as Amazon's client takes them: as they are, or exchanged for those of a role.

Many customers' roles trust the one identity that is ours. What keeps a customer from having us take on the
role of another is the external id that we send, which is its organization's own: so a role that would be
given to us with any other is taken on for nobody.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import exceptions as vendor
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.parsers import ResponseParserError

from export_pipeline.connectors.limits import told
from export_pipeline.connectors.retrying import ATTEMPTS_PER_REQUEST
from export_pipeline.connectors.role_service import asked_at
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.s3_environment import session_of_its_own, trusted
from export_pipeline.connectors.s3_network import SECONDS_BETWEEN_BYTES, SECONDS_TO_CONNECT, confine
from export_pipeline.connectors.strangers import MISREAD, a_bug, no_store, taken_from_an_answer
from export_pipeline.errors import Denied, PermanentFailure, TransientFailure

# What every role allows, and the most that a role allows to who is in a role already. The client asks for new
# credentials a quarter of an hour before the old ones end, so that a request never outlives its own.
SECONDS_OF_A_ROLE = 3600

# Stands in the customer's audit log beside every request.
SESSION_NAME = "export-pipeline"

_IN_A_FIELD = re.compile("[!-~]+")

# Nobody was asked for anything then: what gives this machine its own credentials did not.
NOT_GIVEN = (vendor.CredentialRetrievalError, vendor.MetadataRetrievalError)

# The network's fault or the far side's, not the configuration's.
UNREACHABLE = (
    vendor.ConnectionError,
    vendor.HTTPClientError,
    vendor.IncompleteReadError,
    vendor.FlexibleChecksumError,
)


def session_of(
    credentials: S3Credentials, *, region: str, sts_endpoint_url: str | None
) -> botocore.session.Session:
    """A session in whose name clients ask. It asks nobody anything before they do."""
    if credentials.access_key_id and credentials.secret_access_key:
        asking = session_of_its_own(region)
        asking.set_credentials(credentials.access_key_id, credentials.secret_access_key.get_secret_value())
    else:
        asking = botocore.session.Session()
        asking.set_config_variable("region", region)
        asking.set_config_variable("ca_bundle", trusted())
    if credentials.role_arn is None:
        return asking
    role = _Role(asking, credentials, sts_endpoint_url)
    in_the_role = session_of_its_own(region)
    in_the_role.register_component("credential_provider", CredentialResolver([_InTheRole(role)]))
    return in_the_role


def patient(**more: Any) -> Config:
    """How long clients wait, and how often they ask."""
    return Config(
        connect_timeout=SECONDS_TO_CONNECT,
        read_timeout=SECONDS_BETWEEN_BYTES,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_PER_REQUEST},
        # The connector alone says whom to ask, whatever this process's environment says.
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
        **more,
    )


def not_given(tried: str, error: Exception) -> TransientFailure:
    """The failure that this machine has credentials of its own, and got none now. Nothing was sent."""
    return TransientFailure(
        f"{tried}: what gives this machine its own credentials gives none now; try again later, or give the"
        f" connector an access key ({told(str(error))})"
    )


def cause_of(error: Exception) -> str:
    """What is told of why there was no answer. What the client itself did not expect may quote a request's
    fields, and those hold credentials.
    """
    if type(error) is vendor.HTTPClientError:
        return type(error.kwargs.get("error", error)).__name__
    return told(str(error))


@contextmanager
def named(field: str) -> Iterator[None]:
    """A client that is made for the address in that field, or the error that says what keeps it from that."""
    try:
        yield
    except vendor.InvalidRegionError as error:
        raise PermanentFailure("region is not the name of any; write it like eu-central-1") from error
    except vendor.ProfileNotFound as error:
        raise PermanentFailure(
            f"this machine has no profile {error.kwargs['profile']!r}: define it in its configuration of AWS,"
            " or have AWS_PROFILE name another, or none"
        ) from error
    except NOT_GIVEN as error:
        raise not_given("could not ask in the name of this machine", error) from error
    except vendor.BotoCoreError as error:
        raise PermanentFailure(f"{error}; change this machine's own configuration of AWS") from error
    except ValueError as error:  # how the vendor says that it takes no such address
        raise PermanentFailure(
            f"{field} names a host that S3's client does not take: give one of letters, digits and hyphens"
        ) from error


class _Role:
    """A role that an identity takes on, again and again."""

    def __init__(
        self, asking: botocore.session.Session, credentials: S3Credentials, endpoint_url: str | None
    ) -> None:
        self._asking = asking
        self._credentials = credentials
        self._endpoint_url = endpoint_url

    def taken_on(self) -> Mapping[str, str]:
        """Credentials that hold for a while, by the names that the client has for them.

        Denied if the role is refused, saying what its owner has to change.
        """
        client = self._client()
        tried = f"could not take on the role {self._credentials.role_arn}"
        try:
            answer = self._answer(client, self._credentials.external_id)
            if self._is_given_to_others(client):
                raise Denied(
                    f"did not take on the role {self._credentials.role_arn}: it is given to us with any"
                    " external id, so also for somebody else; its trust policy must allow sts:AssumeRole"
                    f" {self._condition()}"
                )
            return _usable(answer, tried, client.meta.endpoint_url)
        except vendor.ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = told(error.response.get("Error", {}).get("Code", ""))
            if status >= 500 or status == 429 or code == "Throttling":
                raise TransientFailure(f"{tried}: its service asks to try again later ({code})") from error
            if code != "AccessDenied":
                raise Denied(f"{tried}: check access_key_id and secret_access_key ({code})") from error
            raise Denied(f"{tried}: {self._cure(client)} ({code})") from error
        except NOT_GIVEN as error:
            raise not_given(tried, error) from error
        except UNREACHABLE as error:
            raise TransientFailure(
                f"{tried}: no answer from {client.meta.endpoint_url} ({cause_of(error)})"
            ) from error
        except vendor.NoCredentialsError as error:
            raise Denied(
                f"{tried}: nobody is there to take it on; give the connector an access key"
            ) from error
        except vendor.BotoCoreError as error:
            raise PermanentFailure(
                f"{tried}: {told(str(error))}; change the connector's configuration"
            ) from error
        except (ResponseParserError, *MISREAD) as error:
            if a_bug(error):
                raise
            raise no_store(tried, client.meta.endpoint_url, error) from error

    def _answer(self, client: Any, external_id: str | None) -> Any:
        wanted = {"RoleArn": self._credentials.role_arn, "ExternalId": external_id}
        return client.assume_role(
            RoleSessionName=SESSION_NAME,
            DurationSeconds=SECONDS_OF_A_ROLE,
            **{name: value for name, value in wanted.items() if value is not None},
        )["Credentials"]

    def _is_given_to_others(self, client: Any) -> bool:
        """Whether our own identity is given the role with an external id that is nobody's, too."""
        if self._credentials.access_key_id or self._credentials.external_id is None:
            return False
        try:
            self._answer(client, str(uuid.uuid4()))
        except vendor.ClientError as error:
            if error.response.get("Error", {}).get("Code") == "AccessDenied":
                return False
            raise
        return True

    def _client(self) -> Any:
        ours = None if self._credentials.access_key_id else asked_at()
        with named("sts_endpoint_url"):
            client = self._asking.create_client(
                "sts", endpoint_url=self._endpoint_url or ours, config=patient()
            )
        if self._endpoint_url:
            confine(client, authorities=self._asking.get_config_variable("ca_bundle"))
        return client

    def _cure(self, client: Any) -> str:
        """What the role's owner has to change. Who we are, its service tells everybody about themselves."""
        try:
            us = told(client.get_caller_identity()["Arn"])
        except (vendor.ClientError, vendor.BotoCoreError):
            us = "whoever asks"
        return f"its trust policy must allow sts:AssumeRole to the principal {us} {self._condition()}"

    def _condition(self) -> str:
        if self._credentials.external_id:
            return f"under the condition sts:ExternalId = {self._credentials.external_id}"
        return "without a condition on sts:ExternalId, or give external_id"


def _usable(answer: Mapping[str, Any], tried: str, address: str) -> Mapping[str, str]:
    """The credentials of an answer by the client's names. Odd: nobody can ask with them, and the client
    would quote them when it tries.
    """
    with taken_from_an_answer():
        given = {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
        }
        if not all(_IN_A_FIELD.fullmatch(text) for text in given.values()):
            raise ValueError("other characters than a request's fields may have")
        ended = answer["Expiration"] <= datetime.now(UTC)
    if ended:
        raise TransientFailure(
            f"{tried}: the credentials that {address} gave have ended already; compare its clock with this"
            " machine's"
        )
    return {**given, "expiry_time": answer["Expiration"].isoformat()}


class _InTheRole(CredentialProvider):
    """Hands the client credentials that renew themselves."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, role: _Role) -> None:
        super().__init__()
        self._role = role

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._role.taken_on, method=self.METHOD)

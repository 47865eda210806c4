"""What we ask of Dagster's webserver, over the same GraphQL its pages use."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from export_pipeline.errors import ExportPipelineError

SECONDS_TO_ANSWER = 60

LOCATION = "export_pipeline"

_LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on Error { message }
  }
}
"""

_RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter) { ... on Runs { results { runId status } } }
}
"""

_RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename ... on Error { message } }
}
"""

_READY = """
query Ready {
  workspaceOrError {
    ... on Workspace {
      locationEntries {
        displayMetadata { key value }
        locationOrLoadError { __typename ... on PythonError { message causes { message } } }
      }
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Webserver:
    """A Dagster webserver by its address, like `http://127.0.0.1:3000`."""

    url: str

    def ready(self, code_port: int) -> bool:
        """Whether it answers and has loaded our definitions, from the code server on that port.

        An answer that knows another code server is another webserver's, which has the port in our place.
        Raises with the reason when the definitions do not load.
        """
        try:
            data = self._ask(_READY, {})
        except (OSError, ValueError):  # nobody, or nobody who speaks JSON
            return False
        entries = [
            entry
            for entry in data["workspaceOrError"].get("locationEntries") or []
            if {"key": "port", "value": str(code_port)} in entry["displayMetadata"]
        ]
        for entry in entries:
            loaded = entry["locationOrLoadError"] or {}
            if loaded.get("__typename") == "PythonError":
                # The outer ones only say that something went wrong while it was loaded.
                innermost = [loaded, *loaded["causes"]][-1]
                raise ExportPipelineError(f"Dagster could not load the exports: {innermost['message']}")
        return any(entry["locationOrLoadError"] for entry in entries)

    def launch_backfill(self, assets: Sequence[Sequence[str]], partitions: Sequence[str], title: str) -> str:
        """Request a backfill as the UI does; returns its id."""
        params = {
            "assetSelection": [{"path": [*path]} for path in assets],
            "partitionNames": [*partitions],
            "title": title,
        }
        answer = self._ask(_LAUNCH, {"params": params})["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise ExportPipelineError(f"Dagster did not take the backfill: {answer.get('message', answer)}")
        return str(answer["backfillId"])

    def runs_of_backfill(self, backfill_id: str) -> dict[str, str]:
        """The status of each run of a backfill, by run id."""
        tags = [{"key": "dagster/backfill", "value": backfill_id}]
        runs = self._ask(_RUNS, {"filter": {"tags": tags}})["runsOrError"].get("results", [])
        return {run["runId"]: run["status"] for run in runs}

    def reload(self) -> None:
        """Load the definitions anew: exports made since then become assets."""
        self._ask(_RELOAD, {"location": LOCATION})

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 -- always the http address of our own webserver
            f"{self.url}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            # A question that Dagster stumbles over gets an answer all the same, and in it the reason.
            with error:
                try:
                    answer = json.load(error)
                except ValueError:
                    raise error from None
        if answer.get("errors"):
            raise ExportPipelineError(f"Dagster: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data

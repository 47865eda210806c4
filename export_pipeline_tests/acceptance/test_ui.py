"""The Dagster UI in a headless Chromium, as an operator meets it: look, click, look again."""

import json
import shutil
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline_tests.acceptance.conftest import Services
from export_pipeline_tests.installations import HOURS, ROWS_PER_HOUR
from export_pipeline_tests.runs import ledger

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium (as .ci/run does)"
)

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-sandbox",  # Chromium's sandbox refuses root, which continuous integration is
]

MILLISECONDS_TO_WAIT = 90_000


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.set_default_timeout(MILLISECONDS_TO_WAIT)
        yield opened
        browser.close()


def backfills(services: Services) -> list[str]:
    """The status of each backfill."""
    query = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { status } } } }"
    request = urllib.request.Request(
        f"{services.webserver.url}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        found = json.load(response)["data"]["partitionBackfillsOrError"]["results"]
    return [backfill["status"] for backfill in found]


def test_a_backfill_launched_by_clicks_succeeds_and_the_ui_tells_its_story(
    services: Services, page: Page
) -> None:
    asset = f"{services.webserver.url}/assets/exports/events"

    page.goto(f"{asset}?view=partitions")
    expect(page.get_by_text(f"Missing ({HOURS})")).to_be_visible(timeout=MILLISECONDS_TO_WAIT)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog").last
    dialog.get_by_role("button", name="Missing", exact=True).click()
    expect(dialog.get_by_text(f"{HOURS} partitions")).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()

    with reading(services.installation.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    services.wait(lambda: len(ledger(services.installation, export)) == HOURS, "all hours delivered")
    services.wait(lambda: backfills(services) == ["COMPLETED_SUCCESS"], "the backfill succeeded")

    page.goto(f"{asset}?view=partitions&partition=2026-01-05-05:00")
    expect(page.get_by_text(f"Materialized ({HOURS})")).to_be_visible(timeout=MILLISECONDS_TO_WAIT)
    metadata = page.locator("body")
    for shown in ("rows", "bytes", "seconds", "sha256", "events/2026-01-05-05-00.csv"):
        expect(metadata).to_contain_text(shown)
    expect(metadata).to_contain_text("events/_receipts/events/2026-01-05-05-00.json")
    expect(metadata).to_contain_text(str(ROWS_PER_HOUR))

    page.goto(f"{asset}?view=checks")
    expect(page.get_by_text("receipt_verifies").first).to_be_visible(timeout=MILLISECONDS_TO_WAIT)
    expect(page.get_by_text("rows_reconcile").first).to_be_visible()
    expect(page.get_by_text("connector_ready").first).to_be_visible()
    page.goto(f"{asset}?view=checks&checkDetail=receipt_verifies")
    expect(page.get_by_text(f"{HOURS} hours in order").first).to_be_visible()

"""An installation that holds what Bitmovin's analytics would: sessions and ads of two licenses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export_pipeline_tests.installations import FIRST, Installation, an_installation

HOURS = 24
ACME, OTHER = "acme-license", "other-license"
# Each license has a session every four minutes, and an ad in every second one.
SESSIONS_PER_HOUR = 15

DECLARATION = """
[source]
url_variable = "EVENTS_URL"

[faces.bitmovin]
sessions = "sessions"
ads = "ad_impressions"

[tables.sessions]
time_column = "time"
order_by = ["time", "impression_id"]
tenant_column = "license_key"

[[tables.sessions.columns]]
name = "impression_id"
type = "string"
nullable = false

[[tables.sessions.columns]]
name = "license_key"
type = "string"
nullable = false

[[tables.sessions.columns]]
name = "time"
type = "timestamp"
nullable = false

[[tables.sessions.columns]]
name = "played"
type = "int64"

[[tables.sessions.columns]]
name = "country"
type = "string"

[tables.ad_impressions]
time_column = "time"
order_by = ["time", "ad_impression_id"]
tenant_column = "license_key"

[[tables.ad_impressions.columns]]
name = "ad_impression_id"
type = "string"
nullable = false

[[tables.ad_impressions.columns]]
name = "license_key"
type = "string"
nullable = false

[[tables.ad_impressions.columns]]
name = "time"
type = "timestamp"
nullable = false

[[tables.ad_impressions.columns]]
name = "click_position"
type = "int64"
"""


@contextmanager
def viewing(folder: Path) -> Iterator[Installation]:
    """A day of sessions and ads."""
    with an_installation(folder) as installation:
        (folder / "dataset.toml").write_text(DECLARATION)
        installation.change_source(
            f"""
            CREATE TABLE sessions AS
            SELECT license || '-' || i AS impression_id, license AS license_key,
                   TIMESTAMPTZ '{FIRST.isoformat()}' + to_minutes(4 * i::INT) AS time,
                   (i * 1000)::BIGINT AS played, CASE WHEN i % 3 = 0 THEN 'AT' ELSE 'DE' END AS country
            FROM range({HOURS * SESSIONS_PER_HOUR}) AS numbers(i),
                 (VALUES ('{ACME}'), ('{OTHER}')) AS licenses(license)
            """
        )
        installation.change_source(
            """
            CREATE TABLE ad_impressions AS
            SELECT 'ad-' || impression_id AS ad_impression_id, license_key, time,
                   played // 2 AS click_position
            FROM sessions WHERE country = 'DE'
            """
        )
        for table, key in (("sessions", "impression_id"), ("ad_impressions", "ad_impression_id")):
            for column in (key, "license_key", "time"):
                installation.change_source(f"ALTER TABLE {table} ALTER {column} SET NOT NULL")
            installation.change_source(f"ALTER TABLE {table} ADD PRIMARY KEY (time, {key})")
        yield installation

"""A customer's script: asks for an export, waits for it, fetches it, and joins its tables with pandas.

It makes the calls of the Coveo document's sample, in its order, with its headers and parameters, through the
library that it uses, and joins as it does. Its words are ours; the host, the token, the range and the pause
between looks come from outside.

    python coveo_script.py HOST TOKEN FROM TO
"""

import sys
import time
from io import BytesIO
from zipfile import ZipFile

import pandas as pd
import requests

SECONDS_BETWEEN_LOOKS = 1


def main(host: str, token: str, from_: str, to: str) -> None:
    """Leaves `allEvents.csv` in the working directory."""
    exports = f"{host}/rest/ua/v15/exports"
    headers = {"Authorization": f"Bearer {token}"}

    asked = requests.request("POST", exports, headers=headers, params={"from": from_, "to": to})
    id_ = asked.json()["id"]

    status = "PENDING"
    while status != "AVAILABLE":
        time.sleep(SECONDS_BETWEEN_LOOKS)
        looked = requests.request("GET", f"{exports}/{id_}", headers=headers, params={"redirect": "false"})
        export = looked.json()
        status = export["status"]
        if status not in ("PENDING", "AVAILABLE"):
            sys.exit(f"the export is {status}: {export}")

    data = requests.get(export["downloadLink"], headers=headers, stream=True)
    ZipFile(BytesIO(data.content)).extractall("")

    tables = []
    for name, kind in (("clicks", "Click"), ("searches", "Search"), ("custom_events", "Custom")):
        table = pd.read_csv(f"{name}.csv")
        table["c_eventType"] = kind
        tables.append(table)
    events = pd.concat(tables, sort=True)
    events = events.sort_values(by=["visitId", "datetime"], ascending=True)
    events.reset_index(drop=True).to_csv("allEvents.csv")


if __name__ == "__main__":
    main(*sys.argv[1:])

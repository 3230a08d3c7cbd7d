"""How long do the board's pages take with 2,000 parties and 400 days of history? It makes such a database first: 1.6 million lines.

Prints milliseconds, and the ratio to /healthz in the same process: the median of some rounds in which every page is asked for in
turn. Exits with 1 when a page takes more than 200 ms.
"""

import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from hubinfo import clock, create_app, schema
from hubinfo.database import db, write
from hubinfo.models import Activity, ClientInfo, Counter, History, Platform, Refusal

PARTIES, DAYS, CHANGES_A_DAY, ACTIVITIES, ROUNDS, ALLOWED_MS = 2000, 400, 2, 50_000, 5, 200
REFUSING = 20
PASSWORD = "bench"
PAGES = {
    "/": "parties",
    "/?text=aa&status=OFFLINE": "parties, searched",
    "/?sort=availability_30d&descending=1": "parties, by availability",
    "/?page=40": "parties, the last page",
    "/parties/NL/AAA": "a party",
    "/parties/NL/AAB": "a party that refuses all",
    "/activity": "activity",
    "/activity?party=NL-AAA": "activity of a party",
    "/actions": "actions",
    "/view-as?platform=NL-AAA": "view as a party",
    "/availability": "availability, 30 days",
    "/availability?days=365": "availability, a year",
    "/availability.csv?days=365": "availability, a year, CSV",
    "/api/parties?limit=100": "/api/parties",
    "/api/parties/NL/AAA": "/api/parties/NL/AAA",
    "/api/availability?days=365": "/api/availability",
}


def fill(began_at: datetime) -> None:
    """Every party drops out and comes back, at times of its own, twice a day and for some minutes."""
    chance = random.Random(1)  # the same database each time
    names = itertools.islice(("".join(letters) for letters in itertools.product("ABCDEFGHIJKLMNOPQRST", repeat=3)), PARTIES)
    with write() as session:
        connection = session.connection()
        for number, name in enumerate(names, 1):
            connection.execute(insert(Platform), platform(number, name, began_at))
            lines = list(history(number, began_at, chance))
            connection.execute(insert(ClientInfo), client_info(number, name, lines[-1]))
            connection.execute(insert(History), lines)
        refused = [(platform, row) for platform in range(2, REFUSING + 2) for row in range(1, PARTIES + 1)]
        connection.execute(insert(Refusal), [refusal(*each, began_at) for each in refused])
        connection.execute(insert(Activity), [activity(number, chance) for number in range(ACTIVITIES)])
        session.get_one(Counter, "revision").value = PARTIES


def platform(number: int, name: str, began_at: datetime) -> dict[str, Any]:
    """Registered, with a Receiver, and told everything."""
    return {
        "id": number,
        "name": f"NL-{name}",
        "status": "CONNECTED",
        "created_at": began_at,
        "token_hash": str(number),
        "token_out": "x",
        "token_form": "base64",
        "version": "2.2.1",
        "versions_url": f"https://{name.lower()}.example.com/ocpi/versions",
        "receiver_url": f"https://{name.lower()}.example.com/ocpi/2.2.1/hubclientinfo",
        "last_heard_at": clock.now(),
        "failed_probes": 0,
        "told_revision": PARTIES,
        "failed_pushes": 0,
    }


def client_info(number: int, name: str, line: dict[str, Any]) -> dict[str, Any]:
    """As its last line of history says."""
    return {
        "id": number,
        "country_code": "NL",
        "party_id": name,
        "party": f"NL-{name}",
        "role": ("CPO", "EMSP")[number % 2],
        "status": line["status"],
        "last_updated": line["at"],
        "status_since": line["at"],
        "up_ms": line["up_ms"],
        "down_ms": line["down_ms"],
        "revision": number,
        "platform_id": number,
        "registered": True,
        "suspended_by_operator": False,
        "business_details": {"name": f"Charging of {name.title()}"},
    }


def history(number: int, began_at: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    """CONNECTED and OFFLINE in turn, with the totals so far."""
    at, spent = began_at, {"CONNECTED": 0, "OFFLINE": 0}
    for _ in range(DAYS * CHANGES_A_DAY // 2):
        for status, hours in (("CONNECTED", chance.uniform(20, 23.4)), ("OFFLINE", chance.uniform(0.05, 0.5))):
            totals = {"up_ms": spent["CONNECTED"], "down_ms": spent["OFFLINE"]}
            event = "heard" if status == "CONNECTED" else "probe_failed"
            yield {"client_info_id": number, "at": at, "event": event, "status": status, "reason": None, **totals}
            spent[status] += int(hours * 3_600_000)
            at += timedelta(milliseconds=int(hours * 3_600_000))


def refusal(platform_id: int, client_info_id: int, at: datetime) -> dict[str, Any]:
    """Some platforms refuse whatever they are told."""
    return {"platform_id": platform_id, "client_info_id": client_info_id, "at": at, "reason": "HTTP 200, OCPI 2001: unknown role"}


def activity(number: int, chance: random.Random) -> dict[str, Any]:
    """A push or a probe of some platform."""
    is_push = number % 4 > 0
    return {
        "at": clock.now() - timedelta(seconds=ACTIVITIES - number),
        "kind": "push" if is_push else "probe",
        "platform_id": chance.randint(1, PARTIES),
        "client_info_id": chance.randint(1, PARTIES) if is_push else None,
        "told": "CONNECTED" if is_push else None,
        "outcome": "ok",
        "reason": None,
        "seconds": chance.uniform(0.005, 0.2),
    }


def signed_in(app: Flask) -> FlaskClient:
    """A browser of the operator, which also may use /api."""
    client = app.test_client()
    form = client.get("/sign-in").text
    token = form.partition('name="form_token" value="')[2].partition('"')[0]
    if client.post("/sign-in", data={"password": PASSWORD, "form_token": token}).status_code != 303:
        sys.exit("cannot sign in")
    return client


def milliseconds(client: FlaskClient, path: str) -> float:
    """For one answer, all of it."""
    auth = ("operator", PASSWORD) if path.startswith("/api") else None
    began = time.perf_counter()
    answer = client.get(path, auth=auth)
    if answer.status_code != 200 or not answer.get_data():
        sys.exit(f"{path}: {answer.status_code}")
    return (time.perf_counter() - began) * 1000


def main() -> int:
    """Make the database, then measure."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"secret_key": "bench bench bench", "operator_password": PASSWORD}, instance_path=Path(folder))
        began = time.perf_counter()
        with app.app_context():
            schema.ensure()
            fill(clock.now() - timedelta(days=DAYS))
            db.session.remove()
        lines = PARTIES * DAYS * CHANGES_A_DAY
        print(f"{PARTIES} parties, {lines} lines of history, made in {time.perf_counter() - began:.0f} s")
        return measure(signed_in(app))


def measure(client: FlaskClient) -> int:
    """All pages in turn, so that a machine that slows down slows all alike."""
    paths = ("/healthz", *PAGES)
    for path in paths:
        milliseconds(client, path)  # warm up
    rounds = [{path: milliseconds(client, path) for path in paths} for _ in range(ROUNDS)]
    worst = 0.0
    for path, name in PAGES.items():
        taken = statistics.median(each[path] for each in rounds)
        ratio = statistics.median(each[path] / each["/healthz"] for each in rounds)
        worst = max(worst, taken)
        print(f"{name:28} {taken:6.0f} ms  {ratio:5.0f} times /healthz   {path}")
    print(f"the slowest took {worst:.0f} ms (at most {ALLOWED_MS})")
    return int(worst > ALLOWED_MS)


if __name__ == "__main__":
    sys.exit(main())

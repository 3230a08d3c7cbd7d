"""How long does GET /api/heard take, which a proxy asks for with every message? 1,000 platforms, a watch that runs.

Prints the ratio to /healthz, which does nothing, in the same process: the median of some rounds in which both are asked for in
turn, by WSGI and so without any network. Then the ratio of reading all holders anew to reading the same rows as objects of the
ORM. Exits with 1 when the first is above 2 (the aim is 1.5) or the second above 0.5.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select
from werkzeug.test import EnvironBuilder

from hubinfo import clock, create_app, schema
from hubinfo.database import db, write
from hubinfo.models import ClientInfo, Platform
from hubinfo.ocpi.authorization import TokenForm, header
from hubinfo.platforms import connections
from hubinfo.platforms.vault import digest
from hubinfo.worker import Worker

PLATFORMS, ROUNDS, REQUESTS, AIM, ALLOWED, ALLOWED_TO_READ = 1000, 15, 500, 1.5, 2.0, 0.5
PATHS = {"/healthz": "200 OK", "/api/heard": "204 NO CONTENT"}


def token(number: int) -> str:
    """What a platform presents."""
    return f"{number:043}"


def fill() -> None:
    """Platforms that are connected and were just heard, of two parties each."""
    now = clock.now()
    names = [f"{number:03x}".upper() for number in range(PLATFORMS)]
    with write() as session:
        connection = session.connection()
        common: dict[str, Any] = {
            "status": "CONNECTED",
            "created_at": now,
            "last_heard_at": now,
            "token_out": "x",
            "failed_probes": 0,
        }
        platforms: list[dict[str, Any]] = [
            {"id": number, "name": f"NL-{name}", "token_hash": digest(token(number))} for number, name in enumerate(names, 1)
        ]
        connection.execute(insert(Platform), [row | common for row in platforms])
        connection.execute(insert(ClientInfo), [row for number, name in enumerate(names, 1) for row in client_infos(number, name)])


def client_infos(number: int, name: str) -> list[dict[str, Any]]:
    """Of one platform."""
    roles = enumerate(("CPO", "EMSP"), 2 * number)
    common = {"country_code": "NL", "party_id": name, "party": f"NL-{name}", "status": "CONNECTED", "last_updated": clock.now()}
    kept = {"platform_id": number, "registered": True, "business_details": {"name": name}}
    return [{**common, **kept, "role": role, "revision": revision} for revision, role in roles]


def seconds_for(app: Flask, path: str) -> float:
    """For one request, over many."""
    authorization = header(token(PLATFORMS // 2), TokenForm.BASE64)
    environ = EnvironBuilder(path, headers=[("Authorization", authorization)]).get_environ()
    statuses: list[str] = []

    def start_response(status: str, *_rest: object) -> Any:
        statuses.append(status)

    began = time.perf_counter()
    for _ in range(REQUESTS):
        b"".join(app.wsgi_app(environ.copy(), start_response))
    seconds = (time.perf_counter() - began) / REQUESTS
    if set(statuses) != {PATHS[path]}:
        sys.exit(f"{path}: {set(statuses)}")
    return seconds


def main() -> int:
    """Make the database, let the watch begin, measure."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"secret_key": "bench bench bench", "keepalive_seconds": 1e6}, instance_path=Path(folder))
        with app.app_context():
            schema.ensure()
            fill()
            directory = connections().directory
            db.session.remove()
        worker = Worker(app)
        worker.start()
        while not directory.is_watched:
            time.sleep(0.01)
        try:
            return measure(app)
        finally:
            worker.stop()


def measure(app: Flask) -> int:
    """Both in turn, so that a machine that slows down slows both alike."""
    for path in PATHS:
        seconds_for(app, path)  # warm up
    rounds = [{path: seconds_for(app, path) for path in PATHS} for _ in range(ROUNDS)]
    for path in PATHS:
        print(f"{path:10} {statistics.median(each[path] for each in rounds) * 1e6:5.0f} microseconds")
    ratio = statistics.median(each["/api/heard"] / each["/healthz"] for each in rounds)
    print(f"ratio {ratio:.2f} (aim {AIM}, at most {ALLOWED})")
    reading = statistics.median(ratio_of_reading(app) for _ in range(ROUNDS))
    print(f"all holders, read anew: ratio {reading:.2f} to objects of the ORM (at most {ALLOWED_TO_READ})")
    return int(ratio > ALLOWED or reading > ALLOWED_TO_READ)


def ratio_of_reading(app: Flask) -> float:
    """Of this thread's own work."""
    with app.app_context():
        began = time.thread_time()
        connections().directory._read_all()
        between = time.thread_time()
        session = db.session()
        found = len(session.scalars(select(Platform)).all()), len(session.scalars(select(ClientInfo)).all())
        ended = time.thread_time()
        session.expunge_all()
    if found[0] != PLATFORMS:
        sys.exit(f"{found[0]} platforms")
    return (between - began) / (ended - between)


if __name__ == "__main__":
    sys.exit(main())

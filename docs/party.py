#!/usr/bin/env python3
"""A party for the tour: serves its versions and a Receiver, and prints what the hub sends. Needs nothing but Python.

python3 docs/party.py [PORT]
"""

import contextlib
import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9001
HERE = f"http://127.0.0.1:{PORT}"
ENDPOINTS = [
    {"identifier": "credentials", "role": "SENDER", "url": f"{HERE}/2.2.1/credentials"},
    {"identifier": "hubclientinfo", "role": "RECEIVER", "url": f"{HERE}/2.2.1/hubclientinfo"},
]
PAGES: dict[str, Any] = {
    "/versions": [{"version": "2.2.1", "url": f"{HERE}/2.2.1"}],
    "/2.2.1": {"version": "2.2.1", "endpoints": ENDPOINTS},
}


class Party(BaseHTTPRequestHandler):
    """Answers everybody; a real party checks the token."""

    def do_GET(self) -> None:
        self.answer(PAGES.get(self.path))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(f"PUT {self.path} {body.decode()}", flush=True)
        self.answer(None)

    def answer(self, data: Any) -> None:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        body = json.dumps({"data": data, "status_code": 1000, "timestamp": now}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Only pushes are printed."""


if __name__ == "__main__":
    print(f"party serves {HERE}/versions", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("127.0.0.1", PORT), Party).serve_forever()

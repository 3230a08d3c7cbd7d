"""Do receivers that hang delay the others? 1,000 receivers, 5 % of them hanging until the time limit.

Prints how long the other 950 take with the hanging ones as a ratio to without them, side by side in one run: on first
contact, when nobody knows who hangs, and again, when that is known. Exits with 1 when a ratio is above 1.2.
"""

import asyncio
import multiprocessing
import socket
import statistics
import sys
import time
from typing import Any

from hubinfo.ocpi.client import Answer, Client, Request
from hubinfo.ocpi.guard import Guard

RECEIVERS, HANGING, ROUNDS, LIMIT_SECONDS, ALLOWED = 1000, 50, 5, 2.0, 1.2
BODY = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


def serve(listener: socket.socket) -> None:
    """All receivers in one process: those under /hang never answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"PUT /hang"):
            await asyncio.sleep(10 * LIMIT_SECONDS)
        writer.write(ANSWER)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, sock=listener)
        await server.serve_forever()

    asyncio.run(run())


def requests(port: int, hanging: bool) -> list[Request]:
    """One PUT to each receiver; every 20th hangs, or is left out."""
    found = []
    for number in range(RECEIVERS):
        hangs = number % (RECEIVERS // HANGING) == 0
        if hangs and not hanging:
            continue
        url = f"http://127.0.0.1:{port}/{'hang' if hangs else 'good'}/{number}"
        found.append(Request(platform_id=number, method="PUT", url=url, token="t", body=b"{}"))
    return found


def seconds_for_the_good(client: Client, port: int, hanging: bool) -> float:
    """From the start until the last of those that answer has answered."""
    began, last, good = time.monotonic(), 0.0, 0

    def then(_request: Request, outcome: Any) -> None:
        nonlocal last, good
        if isinstance(outcome, Answer):
            last, good = time.monotonic(), good + 1

    client.exchange(requests(port, hanging), then)
    if good != RECEIVERS - HANGING:
        sys.exit(f"only {good} of {RECEIVERS - HANGING} receivers answered")
    return last - began


def new_client() -> Client:
    """One that knows nothing of who hangs."""
    return Client(Guard(True, True), timeout_seconds=LIMIT_SECONDS, concurrency=32, agent="bench")


def main() -> int:
    """Measure in turn, so that a machine that slows down slows all alike."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
    server.start()
    port = listener.getsockname()[1]
    listener.close()
    seconds_for_the_good(new_client(), port, hanging=False)  # warm up
    times: dict[str, list[float]] = {"without": [], "first contact": [], "known": []}
    for _ in range(ROUNDS):
        times["without"].append(seconds_for_the_good(new_client(), port, hanging=False))
        client = new_client()
        times["first contact"].append(seconds_for_the_good(client, port, hanging=True))
        times["known"].append(seconds_for_the_good(client, port, hanging=True))
    server.kill()
    good = RECEIVERS - HANGING
    base = statistics.median(times["without"])
    print(f"{good} receivers, none hanging: {base:.2f} s ({good / base:.0f} requests a second), median of {ROUNDS}")
    worst = 0.0
    for name in ("first contact", "known"):
        ratio = statistics.median(found / alone for found, alone in zip(times[name], times["without"], strict=True))
        worst = max(worst, ratio)
        print(
            f"with {HANGING} more that hang, {name}: {statistics.median(times[name]):.2f} s, ratio {ratio:.2f} (at most {ALLOWED})"
        )
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())

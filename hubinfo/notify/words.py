"""Events in words: a subject of one line, and a text. All that others have chosen, such as names of companies, is hostile."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.notify.outbox import Event, Message

_NAMED = 2
"""So many are named in a subject."""
_MAX_SUBJECT = 200
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_HEADLINES = {
    "party.offline": ("is OFFLINE", "parties are OFFLINE"),
    "party.flapping": ("was OFFLINE and back again and again", "parties were OFFLINE and back again and again"),
    "party.back": ("is back", "parties are back"),
    "party.planned": ("is PLANNED: get in touch with them", "parties are PLANNED: get in touch with them"),
    "party.suspended": ("is SUSPENDED", "parties are SUSPENDED"),
    "hub.silent": ("is silent, a hub", "hubs are silent"),
    "hub.flapping": ("was silent and back again and again, a hub", "hubs were silent and back again and again"),
    "hub.back": ("is back, a hub", "hubs are back"),
    "platform.untold": ("cannot be told of changes", "platforms cannot be told of changes"),
    "platform.told": ("has been told everything again", "platforms have been told everything again"),
    "hub.pull_failing": ("cannot be pulled from, a hub", "hubs cannot be pulled from"),
    "hub.pulled": ("can be pulled from again, a hub", "hubs can be pulled from again"),
}
_MATTERS = {
    "own_fault.begun": "all watched platforms fail at once, so the fault is probably here",
    "own_fault.ended": "platforms are heard again, the fault that was probably here is over",
    "test": "a test, nothing has happened",
}
_EXPLAINED = {
    "own_fault.begun": "No status changes until one of them answers, and nothing else is told until one is heard. "
    "Look at the network here first.",
    "party.planned": "No requests can be sent to them yet: contracts come first (OCPI hubclientinfo, PLANNED).",
    "party.suspended": "Nothing can be delivered to them any more: settle what is unfinished in another way.",
    "platform.untold": "They do not know of changes of others, and are told all as soon as they take it.",
}


def subject(message: Message, sender: str) -> str:
    """What has happened, in one line."""
    line = f"[{sender}] {'; '.join(map(_headline, message.events))}"
    return plain(line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…")


def text(message: Message, settings: Settings, most: int | None = None) -> str:
    """All of it, by country, with links to the board; `most`: how many parties at most are listed of each event."""
    lines = [line for event in message.events for line in _event(event, settings.public_url, most)]
    lines += ["-- ", f"hubinfo {settings.party} ({settings.name}), {settings.public_url}/"]
    return "\n".join(map(plain, lines)) + "\n"


def plain(line: str) -> str:
    """One line, whatever is in it."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def _items(event: Event) -> list[dict[str, Any]]:
    data = event["data"]
    items: list[dict[str, Any]] = data.get("parties") or data.get("platforms") or []
    return items


def _headline(event: Event) -> str:
    if event["type"] in _MATTERS:
        return _MATTERS[event["type"]]
    items, (one, many) = _items(event), _HEADLINES[event["type"]]
    names = [_name(item) for item in items]
    if len(names) == 1:
        return f"{names[0]} {one}"
    more = len(names) - _NAMED
    return f"{len(names)} {many}: {', '.join(names[:_NAMED])}{f', and {more} more' if more else ''}"


def _name(item: dict[str, Any]) -> str:
    return str(item.get("party") or item.get("platform"))


def _event(event: Event, base: str, most: int | None) -> Iterator[str]:
    yield _headline(event)[:1].upper() + _headline(event)[1:] + "."
    if event["type"] in _EXPLAINED:
        yield _EXPLAINED[event["type"]]
    yield from _of_one(event["data"])
    items = _items(event)
    shown = items[:most]
    for country, group in _by_country(shown):
        yield from ("", country) if country else ("",)
        for item in group:
            yield f"  {_line(item)}"
            if "page" in item:
                yield f"    {base}{item['page']}"
    if len(shown) < len(items):
        yield from ("", f"  and {len(items) - len(shown)} more: {base}/")
    yield ""


def _of_one(data: dict[str, Any]) -> Iterator[str]:
    """Of an event that is about this platform itself."""
    if "watched" in data:
        yield f"{data['watched']} platforms, {_since(data)}."
    elif "until" in data and "since" in data:
        yield f"It lasted {_lasted(data)}."


def _by_country(items: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        groups[str(item.get("country_code", "")).upper()].append(item)
    return sorted(groups.items())


def _line(item: dict[str, Any]) -> str:
    """Who, and what of them."""
    roles = ", ".join(item.get("roles", ()))
    who = " ".join(part for part in (_name(item), item.get("name"), f"({roles})" if roles else "") if part)
    said = list(_said(item))
    return f"{who}: {', '.join(said)}" if said else who


def _said(item: dict[str, Any]) -> Iterable[str]:
    if "times" in item:
        how_often = "once" if item["times"] == 1 else f"{item['times']} times"
        period = _duration(item["within_seconds"], parts=1).removeprefix("1 ")
        yield f"OFFLINE and back {how_often} in the last {period}, now {item['status']}"
    elif item.get("until"):
        yield _lasted(item)
    elif item.get("since"):
        yield _since(item)
    if item.get("behind"):
        yield f"{item['behind']} change{'' if item['behind'] == 1 else 's'} behind"
    if item.get("reason"):
        yield item["reason"]


def _since(item: dict[str, Any]) -> str:
    return f"since {_instant(clock.parse(item['since']))}"


def _lasted(item: dict[str, Any]) -> str:
    since, until = clock.parse(item["since"]), clock.parse(item["until"])
    return f"{_duration((until - since).total_seconds())}, from {_instant(since)} to {_instant(until)}"


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float, parts: int = 2) -> str:
    """Such as 1 hour 29 minutes: so many units, the largest that fits and those right below it."""
    said: list[str] = []
    left = max(int(seconds), 0)
    for size, unit in _UNITS:
        count, rest = divmod(left, size)
        if count and len(said) < parts:
            said.append(f"{count} {unit}{'' if count == 1 else 's'}")
            left = rest
        elif said:
            break
    return " ".join(said) or "0 seconds"

"""The story: parties register, one dies and comes back, one is suspended. Its end is checked."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo.instances import DemoFailed, Instance, Processes
from demo.narrator import Narrator

ALL_VERSIONS = "2.2,2.2.1,2.3.0"


class Story:
    """A hub and five parties, in this folder."""

    def __init__(self, folder: Path) -> None:
        self._narrator = Narrator()
        self._processes = Processes()

        def make(name: str, company: str, roles: str, versions: str) -> Instance:
            return Instance(folder, name, company, roles, versions, self._narrator.heard, self._processes)

        self.hub = make("NL-HUB", "Hub of the Low Countries", "HUB", ALL_VERSIONS)
        self.cpo = make("NL-TNM", "The New Motion", "CPO", "2.2.1")
        self.emsp = make("BE-BEC", "Becharge", "EMSP", "2.3.0")
        self.both = make("DE-DUO", "Duo Strom", "CPO,EMSP", "2.2")
        self.nsp = make("FR-NAV", "Navigo", "NSP", "2.2,2.2.1")
        self.planned = make("AT-NEW", "Neue Ladung", "CPO", "2.3.0")
        self.registered = [self.cpo, self.emsp, self.both, self.nsp]

    @property
    def instances(self) -> list[Instance]:
        """The hub first."""
        return [self.hub, *self.registered, self.planned]

    def mute(self) -> None:
        """Tell no more."""
        self._narrator.mute()

    def stop(self) -> None:
        """End every process, whatever state it is in."""
        self.mute()
        self._processes.end()

    def play(self) -> None:
        """From the first start to the end state, which is checked. Raises DemoFailed."""
        self._start()
        self._register()
        self._drop_out()
        self._come_back()
        self._suspend()
        self._check()

    def _start(self) -> None:
        self._narrator.chapter("Six platforms start; the hub invites five parties")
        for instance in self.instances:
            instance.start()
        _side_by_side(instance.wait_until_ready for instance in self.instances)

    def _register(self) -> None:
        parties = [*self.registered, self.planned]
        tokens = dict(zip(parties, _side_by_side(self._invitation(party) for party in parties), strict=True))
        self._narrator.chapter("Four of them register over OCPI, each with its own version; AT-NEW stays PLANNED")
        for party in self.registered:
            since = self._narrator.mark()
            party.command("register", self.hub.versions_url, tokens[party])
            self._narrator.wait_for(since, (party.name, {"event": "synced"}))

    def _invitation(self, party: Instance) -> Callable[[], str]:
        roles = [option for role in party.roles.split(",") for option in ("--role", role)]

        def invite() -> str:
            said = self.hub.command("invite", party.country_code, party.party_id, *roles, "--name", party.company)
            self._narrator.did(self.hub, f"plans  {party.name} as {', '.join(said['roles'])} and has made its token A")
            return str(said["token"])

        return invite

    def _drop_out(self) -> None:
        self._narrator.chapter("kill -9: the CPO NL-TNM is gone, and its hub finds out")
        since = self._narrator.mark()
        self.cpo.kill()
        self._wait_until_told(since, self.cpo, "OFFLINE")

    def _come_back(self) -> None:
        self._narrator.chapter("NL-TNM starts again: the hub tells the others, and it pulls what it missed")
        since = self._narrator.mark()
        self.cpo.start()
        self._wait_until_told(since, self.cpo, "CONNECTED")
        self._narrator.wait_for(since, (self.cpo.name, {"event": "synced"}))

    def _suspend(self) -> None:
        self._narrator.chapter("The hub's operator suspends the EMSP BE-BEC")
        since = self._narrator.mark()
        self.hub.command("suspend", self.emsp.country_code, self.emsp.party_id)
        self._wait_until_told(since, self.emsp, "SUSPENDED")

    def _wait_until_told(self, since: int, about: Instance, status: str) -> None:
        news = {"event": "told", "party": about.name, "status": status}
        told = [party for party in self.registered if party not in (about, self.emsp)]
        self._narrator.wait_for(since, *((party.name, news) for party in told))

    def _check(self) -> None:
        self._narrator.chapter("The end: whom can each party reach, by its own GET /api/reachable?")
        expected = [
            (self.cpo, "CPO", "CONNECTED"),
            (self.emsp, "EMSP", "SUSPENDED"),
            (self.both, "CPO", "CONNECTED"),
            (self.both, "EMSP", "CONNECTED"),
            (self.nsp, "NSP", "CONNECTED"),
            (self.planned, "CPO", "PLANNED"),
        ]
        for party in (self.cpo, self.both, self.nsp):
            others = [item for item in expected if item[0] is not party]
            found = [party.reachable(other, role) for other, role, _ in others]
            said = (f"{other.name} {role} {_shown(answer)}" for (other, role, _), answer in zip(others, found, strict=True))
            self._narrator.say(f"  {party.name}: {', '.join(said)}")
            for (other, role, status), answer in zip(others, found, strict=True):
                if (answer["status"], answer["reachable"]) != (status, status == "CONNECTED"):
                    raise DemoFailed(f"{party.name} thinks that {other.name} {role} is {answer}; it is {status}")


def _shown(said: dict[str, Any]) -> str:
    return "yes" if said["reachable"] else f"no ({said['status']})"


def _side_by_side(steps: Iterable[Callable[[], Any]]) -> list[Any]:
    pool = ThreadPoolExecutor(max_workers=6)
    try:
        return list(pool.map(lambda step: step(), steps))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for a server to be ready

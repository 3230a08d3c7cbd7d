"""Platforms of other makes, as they are met in the field: written apart from ours, to the documents and with their own manners."""

import base64
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.support.peers import Handler, Peer

SUCCESS, CLIENT_ERROR, INVALID, CANNOT_CALL_BACK, NO_COMMON_VERSION = 1000, 2000, 2001, 3001, 3002


@dataclass(frozen=True)
class Manners:
    """Where a platform is not as the documents have it."""

    raw_tokens: bool = False
    """Sends its token as it is, and answers 401 to one in base64."""
    link: bool = True
    slashes: bool = False
    """At the end of every URL that it tells; without one: 404."""
    extras: bool = False
    """Fields, versions and modules that no document knows, at every depth."""
    lower_case: bool = False
    """Party ids and country codes."""
    http_400: bool = False
    """With every OCPI error."""
    says_data: bool = True
    """Otherwise there is no `data` in an answer that has none to give; else it is null."""


ALL_AT_ONCE = Manners(raw_tokens=True, link=False, slashes=True, extras=True, lower_case=True, http_400=True, says_data=False)
MANNERS = {
    "by the book": Manners(),
    "raw tokens": Manners(raw_tokens=True),
    "no Link": Manners(link=False),
    "trailing slashes": Manners(slashes=True),
    "extra fields": Manners(extras=True),
    "lower-case party ids": Manners(lower_case=True),
    "HTTP 400 for OCPI errors": Manners(http_400=True),
    "no data": Manners(says_data=False),
    "all at once": ALL_AT_ONCE,
}


class FieldPlatform(Peer):
    """Registers others, and itself with others; as a hub it has a list and pushes, as a party it takes pushes."""

    def __init__(self, *roles: tuple[str, str, str], version: str = "2.2.1", manners: Manners | None = None) -> None:
        self.roles, self.manners = list(roles), manners or Manners()
        self.version = version
        """The one used with the other side."""
        self.token_a = "token-a-for-the-first-contact"
        self.token_c: str | None = None
        """What the other side has to present, once it is registered."""
        self.token_b = ""
        """What we present to it."""
        self.theirs: dict[tuple[str, str], str] = {}
        """Its URLs, by module and role."""
        self.credentials_received: list[dict[str, Any]] = []
        self.listed: list[dict[str, Any]] = []
        self.page = 100
        self.modules = [("credentials", "SENDER"), ("hubclientinfo", "RECEIVER")]
        super().__init__(version=version)

    @property
    def versions_url(self) -> str:
        return self.url("versions")

    def url(self, *steps: str) -> str:
        return "/".join((self.base, "ocpi", *steps)) + ("/" if self.manners.slashes else "")

    def said_of_itself(self, token: str) -> dict[str, Any]:
        """Its credentials object."""
        roles = [self._extra(role) | {"business_details": self._extra({"name": "x"})} for role in map(self._role, self.roles)]
        return self._extra({"token": token, "url": self.versions_url, "roles": roles})

    def _role(self, role: tuple[str, str, str]) -> dict[str, Any]:
        name, country_code, party_id = role
        return {"role": name, **self._party(country_code, party_id)}

    def _party(self, country_code: str, party_id: str) -> dict[str, Any]:
        spelled = str.lower if self.manners.lower_case else str
        return {"country_code": spelled(country_code), "party_id": spelled(party_id)}

    def _extra(self, fields: dict[str, Any]) -> dict[str, Any]:
        return fields | ({"x_vendor": {"build": [1, None]}, "id": 7} if self.manners.extras else {})

    # What others ask of it

    def _behave_well(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        if not self._is_known(handler.headers.get("Authorization", "")):
            return self.say(handler, status_code=CLIENT_ERROR, message="unknown token", http_status=401)
        if url.path.endswith("/") != self.manners.slashes and "/receiver/" not in url.path:  # those of objects others have made
            return self.say(handler, status_code=CLIENT_ERROR, message="no such URL", http_status=404)
        match (handler.command, *url.path.strip("/").split("/")[1:]):
            case ("GET", "versions"):
                return self.say(handler, self._versions())
            case ("GET", version) if version in self.versions:
                return self.say(handler, self._details(version))
            case (method, version, "credentials") if version in self.versions:
                return self._credentials(handler, method, version)
            case ("GET", _, "hubclientinfo") if self.token_c:
                return self._list(handler, parse_qs(url.query))
            case ("PUT", _, "receiver", _, _) if self.token_c:
                return self.say(handler, http_status=201)
        return self.say(handler, status_code=CLIENT_ERROR, message="no such thing", http_status=404)

    def _is_known(self, header: str) -> bool:
        expected = self.token_c or self.token_a
        return header == f"Token {expected if self.manners.raw_tokens else base64.b64encode(expected.encode()).decode()}"

    def say(
        self,
        handler: Handler,
        data: Any = None,
        *,
        status_code: int = SUCCESS,
        message: str | None = None,
        http_status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        """An answer, with its manners."""
        said = {"data": data, "status_code": status_code, "status_message": message, "timestamp": "2026-01-01T00:00:00Z"}
        if data is None and not self.manners.says_data:
            del said["data"]
        if self.manners.http_400 and status_code != SUCCESS and http_status == 200:
            http_status = 400
        handler.raw(json.dumps(self._extra(said)).encode(), http_status=http_status, headers=headers)

    def _versions(self) -> list[dict[str, Any]]:
        offered = ["2.1.1", *self.versions, "9.9"] if self.manners.extras else self.versions
        return [self._extra({"version": version, "url": self.url(version)}) for version in offered]

    def endpoints(self, version: str) -> list[dict[str, str]]:
        paths = {("hubclientinfo", "RECEIVER"): "receiver"}
        modules = [*self.modules, ("teleport", "SENDER")] if self.manners.extras else self.modules
        return [
            self._extra({"identifier": name, "role": role, "url": self.url(version, paths.get((name, role), name))})
            for name, role in modules
        ]

    def _details(self, version: str) -> dict[str, Any]:
        return self._extra({"version": version, "endpoints": self.endpoints(version)})

    def _credentials(self, handler: Handler, method: str, version: str) -> None:
        if method == "GET":
            return self.say(handler, self.said_of_itself(self.token_c or ""))
        if (method == "POST") == (self.token_c is not None):
            return self.say(handler, status_code=CLIENT_ERROR, message="not now", http_status=405)
        if method == "DELETE":
            self.token_c, self.token_a, self.token_b, self.theirs = None, "another-token-a", "", {}
            return self.say(handler)
        received = json.loads(handler.request_body)
        self.credentials_received.append(received)
        try:
            theirs = self.look_at(received["url"], received["token"], version)
        except (requests.RequestException, KeyError):
            return self.say(handler, status_code=CANNOT_CALL_BACK, message="cannot use your API")
        self.version, self.theirs = version, theirs
        self.token_b, self.token_c = received["token"], f"c-{uuid.uuid4()}"
        return self.say(handler, self.said_of_itself(self.token_c))

    def _list(self, handler: Handler, query: dict[str, list[str]]) -> None:
        offset, limit = int(query.get("offset", ["0"])[0]), min(int(query.get("limit", ["100"])[0]), self.page)
        headers = {"X-Total-Count": str(len(self.listed)), "X-Limit": str(self.page)}
        if self.manners.link and offset + limit < len(self.listed):
            headers["Link"] = f'<{self.url(self.version, "hubclientinfo")}?offset={offset + limit}&limit={limit}>; rel="next"'
        self.say(handler, self.listed[offset : offset + limit], headers=headers)

    # What it asks of others

    def ask(self, method: str, url: str, token: str | None = None, sent: Any = None) -> requests.Response:
        """A request with its token, or this one."""
        token = self.token_b if token is None else token
        shown = token if self.manners.raw_tokens else base64.b64encode(token.encode()).decode()
        return requests.request(method, url, headers={"Authorization": f"Token {shown}"}, json=sent, timeout=10)

    def _data(self, url: str, token: str) -> Any:
        response = self.ask("GET", url, token)
        response.raise_for_status()
        return response.json()["data"]

    def look_at(self, versions_url: str, token: str, version: str) -> dict[tuple[str, str], str]:
        """The URLs of the other side, by module and role. Raises KeyError when it does not offer this version."""
        urls = {entry["version"]: entry["url"] for entry in self._data(versions_url, token)}
        endpoints = self._data(urls[version], token)["endpoints"]
        return {(entry["identifier"], entry["role"]): entry["url"] for entry in endpoints}

    def register(self, versions_url: str, token_a: str) -> None:
        """With a hub."""
        theirs = self.look_at(versions_url, token_a, self.version)
        self.token_c = f"b-{uuid.uuid4()}"
        response = self.ask("POST", theirs["credentials", "SENDER"], token_a, self.said_of_itself(self.token_c))
        assert response.json()["status_code"] == SUCCESS, response.text
        self.theirs, self.token_b = theirs, response.json()["data"]["token"]

    def client_info(self, party: str, role: str, status: str, last_updated: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
        """As it lists or pushes it."""
        said = {**self._party(*party.split("-")), "role": role, "status": status, "last_updated": last_updated}
        return self._extra(said)

    def push(self, *said: str) -> requests.Response:
        """Tell the other side of a party, e.g. `push("BE-BEC", "EMSP", "OFFLINE", "2026-01-02T00:00:00Z")`."""
        info = self.client_info(*said)
        url = f"{self.theirs['hubclientinfo', 'RECEIVER'].rstrip('/')}/{info['country_code']}/{info['party_id']}"
        return self.ask("PUT", url + ("/" if self.manners.slashes else ""), sent=info)

    @property
    def pushed(self) -> dict[tuple[str, str], str]:
        """The status last pushed to it for each (party, role)."""
        puts = [request.json for request in self.received if request.method == "PUT" and "/receiver/" in request.path]
        return {(f"{put['country_code']}-{put['party_id']}", put["role"]): put["status"] for put in puts}

    def methods(self, path: str = "/credentials") -> list[str]:
        """The methods of the requests whose path has this in it, in order."""
        return [request.method for request in self.received if path in request.path]


class FieldHub(FieldPlatform):
    """Role HUB; in 2.3.0, whose Role has no HUB, `hub_party_id`, and its parties among the roles."""

    def __init__(self, party: str = "DE-HUB", *, version: str = "2.2.1", manners: Manners | None = None) -> None:
        country_code, party_id = party.split("-")
        super().__init__(("HUB", country_code, party_id), version=version, manners=manners)
        self.party = self._party(country_code, party_id)
        self.modules = [("credentials", "SENDER"), ("hubclientinfo", "SENDER")]
        self.listed = [self.client_info("BE-BEC", "EMSP", "CONNECTED"), self.client_info("FR-NAV", "NSP", "OFFLINE")]

    def said_of_itself(self, token: str) -> dict[str, Any]:
        if self.version != "2.3.0":
            return super().said_of_itself(token)
        self.roles = [(row["role"], row["country_code"], row["party_id"]) for row in self.listed]
        return super().said_of_itself(token) | {"hub_party_id": self.party["country_code"] + self.party["party_id"]}

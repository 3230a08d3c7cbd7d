"""Looking at the other side: which versions and endpoints it offers, and how it wants its token (OCPI 2.2.1 versions)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hubinfo.logs import say
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import Client, PeerError, Request
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.envelope import NoMatchingEndpoints, UnableToUseApi, UnsupportedVersion
from hubinfo.ocpi.fields import MAX_URL, is_url
from hubinfo.ocpi.guard import AddressRefused
from hubinfo.ocpi.schemas import read_endpoints, read_versions

_log = logging.getLogger(__name__)
MODULE = "hubclientinfo"
_FORMS = (TokenForm.BASE64, TokenForm.RAW)


@dataclass(frozen=True)
class Peer:
    """What the other side has shown of itself."""

    version: str
    token_form: TokenForm
    endpoints: list[dict[str, str]]
    """Those that can be called: identifier, role, url."""
    credentials_url: str
    receiver_url: str | None
    sender_url: str | None


def discover(client: Client, url: str, token: str, versions: Sequence[str]) -> Peer:
    """GET the other side's versions, and the details of the highest of these versions that it offers.

    Raises UnableToUseApi, UnsupportedVersion, NoMatchingEndpoints.
    """
    _check(client, url, "url")
    data, form = _get(client, url, token, "versions")
    offered = _read(read_versions, data, url)
    version, details_url = _highest(offered, versions, url)
    _check(client, details_url, f"the URL of version {version}")
    data, form = _get(client, details_url, token, "version details", _FORMS[_FORMS.index(form) :])
    endpoints = [entry for entry in _read(read_endpoints, data, details_url) if _usable(entry["url"])]
    credentials_url = _find(client, endpoints, "credentials")
    if credentials_url is None:
        raise NoMatchingEndpoints(f"{details_url} lists no credentials endpoint that can be used")
    receiver_url, sender_url = (_find(client, endpoints, MODULE, role) for role in ("RECEIVER", "SENDER"))
    return Peer(version, form, endpoints, credentials_url, receiver_url, sender_url)


def _highest(offered: list[dict[str, str]], versions: Sequence[str], url: str) -> tuple[str, str]:
    urls = {entry["version"]: entry["url"] for entry in reversed(offered)}
    common = [version for version in DIALECTS if version in versions and version in urls]
    if not common:
        shown = ", ".join(entry["version"][:10] for entry in offered[:10]) or "none"
        asked = versions[0] if len(versions) == 1 else f"one of {', '.join(versions)}"
        raise UnsupportedVersion(f"{url} offers {shown}, not {asked} which is needed; this platform speaks {', '.join(DIALECTS)}")
    return common[-1], urls[common[-1]]


def _usable(url: str) -> bool:
    return len(url) <= MAX_URL and is_url(url)


def _find(client: Client, endpoints: list[dict[str, str]], identifier: str, role: str | None = None) -> str | None:
    """The URL of a module, in this role if one is named; a URL that must not be called refuses the whole handshake."""
    for endpoint in endpoints:
        if endpoint["identifier"] == identifier and role in (None, endpoint["role"].strip().upper()):
            _check(client, endpoint["url"], f"the URL of endpoint {identifier}")
            return endpoint["url"]
    return None


def _get(client: Client, url: str, token: str, what: str, forms: Sequence[TokenForm] = _FORMS) -> tuple[Any, TokenForm]:
    """The data, and the form of the token header with which it was given: the first that is not refused.

    Versions may be open to all, so that the form shows only with the details.
    """
    form, *others = forms
    try:
        return client.call(Request(url=url, token=token, token_form=form)).data, form
    except PeerError as error:
        if others and _may_be_the_form(error):
            return _get(client, url, token, what, others)
        raise UnableToUseApi(f"GET {what} at {url} failed: {error}") from error


def _may_be_the_form(error: PeerError) -> bool:
    """Whether the platform may have refused how the token was written. In the field that is not always 401."""
    is_client_error = error.status_code is not None and 2000 <= error.status_code < 3000
    return error.http_status in (400, 401, 403) or is_client_error


def _check(client: Client, url: str, what: str) -> None:
    try:
        client.guard.check_url(url)
    except AddressRefused as refused:
        raise UnableToUseApi(f"{what}={url!r}: {refused}") from None


def _read(read: Callable[[Any], tuple[list[dict[str, str]], int]], data: Any, url: str) -> list[dict[str, str]]:
    """The usable entries; unusable ones are logged and left out (OCPI 2.2.1 transport)."""
    try:
        usable, unusable = read(data)
    except ValueError as error:
        raise UnableToUseApi(f"{url}: {error}") from None
    if unusable:
        say(_log, logging.WARNING, "entries_ignored", url=url, count=unusable)
    return usable

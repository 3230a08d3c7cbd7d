"""Every way in which a network, TLS, HTTP or URL fails, in a few words that an operator can act on."""

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

# Everything the layers below raise for a fault of the peer or the network; what is none of these is a bug of ours.
FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)

_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLCertVerificationError,), "TLS certificate not trusted"),
    ((TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError), "timed out"),
    ((ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError), "TLS failed"),
    ((socket.gaierror, urllib3.exceptions.NameResolutionError), "host name not found"),
    ((ConnectionRefusedError,), "connection refused"),
    (
        (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength),
        "connection closed in the middle of the answer",
    ),
    ((ConnectionError, http.client.RemoteDisconnected), "connection closed without an answer"),
    ((http.client.HTTPException,), "answer is not HTTP"),
    (
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            urllib3.exceptions.LocationValueError,
            UnicodeError,
        ),
        "URL cannot be called",
    ),
    ((requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError), "answer breaks off or is not HTTP"),
    ((OSError,), "network failed"),
)


def reason_of(error: BaseException) -> str:
    """What went wrong, from the innermost error that says it best; never text of the peer's or a header of ours."""
    chain = list(_chain(error))
    for kinds, reason in _REASONS:
        for found in chain:
            if isinstance(found, kinds) and not _is_wrapper(found, reason):
                return reason + _detail(found)
    return "request failed"


def _is_wrapper(error: BaseException, reason: str) -> bool:
    """requests' own exceptions are OSErrors too; what they stand for is inside them."""
    return reason == "network failed" and isinstance(error, requests.RequestException)


def _detail(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f": {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f": {error.reason.replace('_', ' ').lower()}"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps, by cause, by context and as an argument."""
    pending, seen = [error], set[int]()
    while pending:
        found = pending.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inside = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        pending += [item for item in inside if isinstance(item, BaseException)]

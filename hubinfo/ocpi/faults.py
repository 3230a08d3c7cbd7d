"""Every way in which a network, TLS, HTTP or URL fails, in a few words that an operator can act on."""

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

DEMANDS_CERTIFICATE = "TLS failed: it demands a client certificate that it trusts"


class ClientCertificateDemanded(OSError):
    """The peer has agreed on version and cipher, and ends the handshake all the same."""


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


_TLS_REASONS = {
    **dict.fromkeys(
        (
            "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "SSLV3_ALERT_NO_CERTIFICATE",
            "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "TLSV1_ALERT_UNKNOWN_CA",
            "TLSV1_ALERT_ACCESS_DENIED",
        ),
        DEMANDS_CERTIFICATE,
    ),
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"),
        "TLS failed: what listens there does not speak TLS, perhaps plain HTTP",
    ),
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW", "TLSV1_ALERT_INSUFFICIENT_SECURITY"),
        "TLS failed: it speaks only a version older than TLS 1.2",
    ),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "TLS failed: no cipher in common",
    "TLSV1_UNRECOGNIZED_NAME": "TLS failed: it does not know this host name",
}
"""By OpenSSL's word for it."""


def reason_of(error: BaseException) -> str:
    """What went wrong, from the innermost error that says it best; never text of the peer's or a header of ours."""
    chain = list(_chain(error))
    if said := next(filter(None, map(_tls_reason, chain)), None):
        return said
    for kinds, reason in _REASONS:
        for found in chain:
            if isinstance(found, kinds) and not _is_wrapper(found, reason):
                return reason + _detail(found)
    return "request failed"


def _is_wrapper(error: BaseException, reason: str) -> bool:
    """requests' own exceptions are OSErrors too; what they stand for is inside them."""
    return reason == "network failed" and isinstance(error, requests.RequestException)


def _tls_reason(error: BaseException) -> str | None:
    if isinstance(error, ClientCertificateDemanded):
        return DEMANDS_CERTIFICATE
    return _TLS_REASONS.get(error.reason) if isinstance(error, ssl.SSLError) else None


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

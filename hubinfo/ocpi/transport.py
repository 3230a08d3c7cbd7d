"""`requests` made safe: every socket operation ends by one deadline, and every connection goes where the guard allows."""

import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.connecting import first_to_answer
from hubinfo.ocpi.faults import ClientCertificateDemanded
from hubinfo.ocpi.guard import AddressRefused, Guard

_POOLS = 2048
Resolve = Callable[[str, int], list[Any]]
"""As getaddrinfo answers for a host name and a port."""
_DEADLINE: ContextVar[float] = ContextVar("deadline")
_KEEP: ContextVar[bool] = ContextVar("keep")


@contextmanager
def one_request(limit_seconds: float, *, keep: bool) -> Iterator[None]:
    """All that this thread's sockets do inside must end within so many seconds, else TimeoutError.

    `keep`: leave the connection open for the next request.
    """
    deadline, kept = _DEADLINE.set(time.monotonic() + limit_seconds), _KEEP.set(keep)
    try:
        yield
    finally:
        _DEADLINE.reset(deadline)
        _KEEP.reset(kept)


def _remaining() -> float:
    left = _DEADLINE.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("time limit reached")
    return left


class _LimitedSocket(socket.socket):
    """A plain timeout starts anew with every byte that arrives, so a dripping peer would never end; this one does not."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_remaining())
        super().sendall(*args, **kwargs)


class _LimitedTlsSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        """A peer that demands a certificate says in TLS 1.2 no more than that the handshake has failed."""
        try:
            super().do_handshake(block)
        except ssl.SSLError as error:
            if self.cipher() is not None and error.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
                raise ClientCertificateDemanded from error
            raise

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """A peer that has closed already has perhaps said why: in TLS 1.3, that it demands a certificate."""
        self.settimeout(_remaining())
        try:
            super().sendall(*args, **kwargs)
        except (ssl.SSLEOFError, ConnectionError):
            super().recv_into(bytearray(1))
            raise


def resolve(host: str, port: int) -> list[Any]:
    """getaddrinfo knows no time limit, so it waits in a thread of its own, which is left behind when it takes too long."""
    found: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    try:
        ipaddress.ip_address(host)
        look_up()
    except ValueError:
        threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        result = found.get(timeout=_remaining())
    except queue.Empty:
        raise TimeoutError("name look-up took too long") from None
    if isinstance(result, Exception):
        raise result
    return result


def connect(host: str, port: int, guard: Guard, resolve: Resolve = resolve) -> socket.socket:
    """Connect to the first address that is allowed and answers; the addresses checked are the ones connected to."""
    allowed, refused = [], None
    for found in resolve(host.strip("[]"), port):
        try:
            guard.check_address(ipaddress.ip_address(found[4][0].partition("%")[0]))
            allowed.append(found)
        except AddressRefused as why:
            refused = why
    if refused and not allowed:
        raise refused
    sock = first_to_answer(allowed, _LimitedSocket, _remaining)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(_remaining())
    return sock


def tls_context(certificates: Certificates) -> ssl.SSLContext:
    """Certificates are verified, and what the sockets do ends by the same deadline. Raises OSError for files of no use."""
    context = ssl.create_default_context(cafile=certifi.where())
    if certificates.ca_file:
        context.load_verify_locations(certificates.ca_file)
    certificates.load_own(context)
    context.sslsocket_class = _LimitedTlsSocket
    return context


class _Pool(HTTPConnectionPool):
    def _put_conn(self, conn: Any) -> None:
        """A peer that goes on after our `Connection: close` closes some time later, in the middle of our next request."""
        if conn is not None and not _KEEP.get():
            conn.close()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    pass


class GuardedAdapter(HTTPAdapter):
    """One set of connection pools, safe to share between threads (sessions are not)."""

    def __init__(self, guard: Guard, certificates: Certificates, resolve: Resolve = resolve) -> None:
        self._guard = guard
        self._certificates = certificates
        self._resolve = resolve
        super().__init__(pool_connections=_POOLS, pool_maxsize=2)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        """Give urllib3's pools our connections."""
        super().init_poolmanager(connections, maxsize, block, **kwargs)
        guard, resolve = self._guard, self._resolve

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self.host, self.port or 80, guard, resolve)

        class Tls(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self.host, self.port or 443, guard, resolve)

        self.poolmanager.pool_classes_by_scheme = {
            "http": type("GuardedPool", (_Pool,), {"ConnectionCls": Plain}),
            "https": type("GuardedTlsPool", (_TlsPool,), {"ConnectionCls": Tls}),
        }

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        # Loaded once and late: reading the CA bundle takes longer than most requests.
        return tls_context(self._certificates)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Use our TLS context, whatever requests would load for each connection."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            pool = {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: the context verifies already."""


def session(adapter: GuardedAdapter) -> requests.Session:
    """A session for one thread: nothing from the environment or `.netrc`, no cookies kept."""
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.headers.clear()
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made

"""What is wrong with a TLS connection, in words that say what to do; and client certificates."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import certificate
from tests.support.clients import fails, get, make_client
from tests.support.peers import Peer

DEMANDS = "TLS failed: it demands a client certificate that it trusts"
MakeTls = Callable[[ssl.SSLContext], str]


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    return certificate(tmp_path / "ours", name="hubinfo")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    return certificate(tmp_path / "theirs")


@pytest.fixture
def context(theirs: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(theirs)
    return made


@pytest.fixture
def serve() -> Iterator[MakeTls]:
    made: list[Peer] = []

    def make(context: ssl.SSLContext) -> str:
        peer = Peer()
        made.append(peer)
        peer._server.socket = context.wrap_socket(peer._server.socket, server_side=True, do_handshake_on_connect=False)
        return f"https://localhost:{peer.port}/versions"

    yield make
    for peer in made:
        peer.stop()


def demanding(context: ssl.SSLContext, version: ssl.TLSVersion, ca_file: Path) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_file)
    return context


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_a_client_certificate_is_demanded(
    serve: MakeTls, context: ssl.SSLContext, ours: Path, theirs: Path, version: ssl.TLSVersion
) -> None:
    url = serve(demanding(context, version, ours))
    assert fails(url, make_client(ca_file=str(theirs), timeout=20)).reason == DEMANDS


@VERSIONS
def test_the_client_certificate_that_is_set_is_shown(
    serve: MakeTls, context: ssl.SSLContext, ours: Path, theirs: Path, version: ssl.TLSVersion
) -> None:
    url = serve(demanding(context, version, ours))
    assert get(url, make_client(ca_file=str(theirs), client_cert_file=str(ours), timeout=20)).http_status == 200


@VERSIONS
def test_a_client_certificate_that_is_not_trusted(
    serve: MakeTls, context: ssl.SSLContext, ours: Path, theirs: Path, version: ssl.TLSVersion
) -> None:
    url = serve(demanding(context, version, theirs))
    error = fails(url, make_client(ca_file=str(theirs), client_cert_file=str(ours), timeout=20))
    assert error.reason == DEMANDS


def test_plain_http_behind_https(make_peer: Callable[..., Peer]) -> None:
    reason = fails(f"https://localhost:{make_peer().port}/", make_client(timeout=20)).reason
    assert reason == "TLS failed: what listens there does not speak TLS, perhaps plain HTTP"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_an_older_tls(serve: MakeTls, context: ssl.SSLContext, theirs: Path) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    reason = fails(serve(context), make_client(ca_file=str(theirs), timeout=20)).reason
    assert reason == "TLS failed: it speaks only a version older than TLS 1.2"


def test_no_cipher_in_common(serve: MakeTls, context: ssl.SSLContext, theirs: Path) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    reason = fails(serve(context), make_client(ca_file=str(theirs), timeout=20)).reason
    assert reason == "TLS failed: no cipher in common"


def test_ca_file_adds_to_the_public_certificates(theirs: Path) -> None:
    context = make_client(ca_file=str(theirs))._adapter._context
    subjects = [str(found["subject"]) for found in context.get_ca_certs()]
    assert len(subjects) > 50
    assert any("localhost" in subject for subject in subjects)

"""Which addresses are called, over http and https."""

import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest

from hubinfo.ocpi.guard import AddressRefused, Guard
from tests.support.certificates import certificate, tls
from tests.support.clients import fails, get, make_client
from tests.support.peers import Peer

NEVER = ["169.254.169.254", "169.254.1.1", "224.0.0.1", "0.0.0.0", "168.63.129.16", "100.100.100.200", "ff02::1", "fe80::1", "::"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "198.18.0.1", "240.0.0.1"]
TEREDO_TO_10_0_0_1 = "2001:0:4136:e378:8000:63bf:f5ff:fffe"
"""By the server 65.54.227.120, which is public; whom it leads to is written with all bits turned round (RFC 4380 4)."""
TEREDO_TO_METADATA = "2001:0:4136:e378:8000:63bf:5601:5601"
TEREDO_TO_93_184_215_14 = "2001:0:a00:1:8000:63bf:a247:28f1"
"""By the server 10.0.0.1, which nobody connects to."""
WRAPPED = ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", TEREDO_TO_10_0_0_1]
PUBLIC = ["93.184.215.14", "2606:2800:220:1::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e", TEREDO_TO_93_184_215_14]


@pytest.mark.parametrize("address", [*NEVER, "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", TEREDO_TO_METADATA])
@pytest.mark.parametrize("private", [True, False])
def test_addresses_that_are_never_called(address: str, private: bool) -> None:
    with pytest.raises(AddressRefused):
        Guard(private, True).check_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [*PRIVATE, *WRAPPED])
def test_private_addresses_are_called_only_where_allowed(address: str) -> None:
    with pytest.raises(AddressRefused, match="private"):
        Guard(False, True).check_address(ipaddress.ip_address(address))
    Guard(True, True).check_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    Guard(False, False).check_address(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "http://u:p@x/", "http:///x", "http://x:0/", "http://x:99999/", "//x/", "x", ""]
)
def test_what_is_no_url_to_call(url: str) -> None:
    with pytest.raises(AddressRefused, match="not a URL"):
        Guard(True, True).check_url(url)


def test_http_only_where_allowed() -> None:
    with pytest.raises(AddressRefused, match="https"):
        Guard(True, False).check_url("http://example.com/")
    Guard(True, False).check_url("https://example.com/")


NEVER_CALLED = [
    "http://169.254.169.254/latest",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::ffff:169.254.169.254]/",
    "http://100.100.100.200/",
]


@pytest.mark.parametrize("url", NEVER_CALLED)
def test_a_url_that_must_not_be_called(url: str) -> None:
    assert "is never called" in fails(url).reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_the_address_connected_to_is_what_counts(make_peer: Callable[..., Peer], host: str) -> None:
    peer = make_peer()
    assert "not allowed here" in fails(f"http://{host}:{peer.port}/versions", make_client(private=False)).reason
    assert peer.received == []
    get(f"http://127.0.0.1:{peer.port}/versions")


def test_a_certificate_that_ca_file_vouches_for(make_peer: Callable[..., Peer], tmp_path: Path) -> None:
    path = certificate(tmp_path)
    url = tls(make_peer(), path)
    assert get(url, make_client(ca_file=str(path), timeout=10)).http_status == 200


@pytest.mark.parametrize(
    ("name", "days", "trusted", "why"),
    [
        ("localhost", 10, False, "self-signed"),
        ("elsewhere", 10, True, "Hostname mismatch"),
        ("localhost", -1, True, "expired"),
    ],
)
def test_a_bad_certificate(make_peer: Callable[..., Peer], tmp_path: Path, name: str, days: int, trusted: bool, why: str) -> None:
    path = certificate(tmp_path, name=name, days=days)
    error = fails(tls(make_peer(), path), make_client(ca_file=str(path) if trusted else None, timeout=10))
    assert error.reason.startswith("TLS certificate not trusted: ")
    assert why in error.reason


def test_tls_where_there_is_none(make_peer: Callable[..., Peer]) -> None:
    assert fails(f"https://localhost:{make_peer().port}/", make_client(timeout=10)).reason.startswith("TLS failed")

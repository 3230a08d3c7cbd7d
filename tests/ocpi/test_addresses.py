"""Which addresses are public, held to IANA's special-purpose registries, and what is inside those that wrap another."""

import ipaddress

import pytest

from hubinfo.ocpi.guard import AddressRefused, Guard

# https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-…, with "Globally Reachable"; None is "N/A".
# What embeds an IPv4 address is judged by that one, and so has tests of its own.
REGISTRY: list[tuple[str, bool | None]] = [
    ("0.0.0.0/8", False),
    ("0.0.0.0/32", False),
    ("10.0.0.0/8", False),
    ("100.64.0.0/10", False),
    ("127.0.0.0/8", False),
    ("169.254.0.0/16", False),
    ("172.16.0.0/12", False),
    ("192.0.0.0/24", False),
    ("192.0.0.0/29", False),
    ("192.0.0.8/32", False),
    ("192.0.0.9/32", True),
    ("192.0.0.10/32", True),
    ("192.0.0.170/32", False),
    ("192.0.0.171/32", False),
    ("192.0.2.0/24", False),
    ("192.31.196.0/24", True),
    ("192.52.193.0/24", True),
    ("192.88.99.0/24", None),
    ("192.168.0.0/16", False),
    ("192.175.48.0/24", True),
    ("198.18.0.0/15", False),
    ("198.51.100.0/24", False),
    ("203.0.113.0/24", False),
    ("240.0.0.0/4", False),
    ("255.255.255.255/32", False),
    ("::1/128", False),
    ("::/128", False),
    ("64:ff9b:1::/48", False),
    ("100::/64", False),
    ("100:0:0:1::/64", False),
    ("2001::/23", False),
    ("2001:1::1/128", True),
    ("2001:1::2/128", True),
    ("2001:1::3/128", True),
    ("2001:2::/48", False),
    ("2001:3::/32", True),
    ("2001:4:112::/48", True),
    ("2001:10::/28", None),
    ("2001:20::/28", True),
    ("2001:30::/28", True),
    ("2001:db8::/32", False),
    ("2620:4f:8000::/48", True),
    ("3fff::/20", False),
    ("5f00::/16", False),
    ("fc00::/7", False),
    ("fe80::/10", False),
]
NOT_UNICAST = ["224.0.0.0/4", "ff00::/8", "fec0::/10", "::/8", "400::/6", "4000::/3", "e000::/4", "fe00::/9"]


def is_called(address: str | ipaddress.IPv4Address | ipaddress.IPv6Address, *, private: bool = False) -> bool:
    try:
        Guard(private, True).check_address(ipaddress.ip_address(str(address)))
    except AddressRefused:
        return False
    return True


def has_exceptions(text: str) -> bool:
    """Whether another entry of the registry lies inside."""
    outer = ipaddress.ip_network(text)
    inside = [ipaddress.ip_network(other) for other, _ in REGISTRY if other != text]
    return any(each.version == outer.version and each.subnet_of(outer) for each in inside)  # type: ignore[arg-type]


@pytest.mark.parametrize(("network", "reachable"), REGISTRY)
def test_what_is_registered_is_called_if_it_can_be_reached(network: str, reachable: bool | None) -> None:
    found = ipaddress.ip_network(network)
    ends = {found[0]} if has_exceptions(network) and network != "192.0.0.0/24" else {found[0], found[-1]}
    assert {is_called(address) for address in ends - {ipaddress.ip_address("2001::")}} <= {reachable is True}


@pytest.mark.parametrize("network", NOT_UNICAST)
def test_what_is_not_global_unicast_is_not_called(network: str) -> None:
    found = ipaddress.ip_network(network)
    assert not is_called(found[0])
    assert not is_called(found[-1])


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "223.255.255.255",
        "2a00::1",
        "2001:200::1",
    ],
)
def test_what_lies_beside_is_called(address: str) -> None:
    assert is_called(address)


METADATA = [
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
]


@pytest.mark.parametrize("address", METADATA)
def test_what_tells_the_keys_of_a_machine_is_never_called(address: str) -> None:
    assert not is_called(address, private=True)
    assert not is_called(address)


def wrapped(inside: str) -> dict[str, str]:
    """An IPv4 address in all the ways in which an IPv6 one can lead to it."""
    number = int(ipaddress.IPv4Address(inside))
    high, low = number >> 16, number & 0xFFFF
    turned = ~number & 0xFFFF_FFFF
    octets = number.to_bytes(4)
    return {
        "mapped": f"::ffff:{inside}",
        "compatible": f"::{inside}",
        "translated": f"::ffff:0:{inside}",
        "NAT64": f"64:ff9b::{high:x}:{low:x}",
        "NAT64 of a network's own": f"64:ff9b:1::{high:x}:{low:x}",
        "NAT64 of a network's own, after 48 bits": f"64:ff9b:1:{high:x}:{octets[2]:x}:{octets[3] << 8:x}::",
        "NAT64 of a network's own, after 64 bits": f"64:ff9b:1:0:{octets[0]:x}:{octets[1] << 8 | octets[2]:x}:{octets[3] << 8:x}:0",
        "6to4": f"2002:{high:x}:{low:x}::1",
        "Teredo": f"2001:0:808:808:8000:63bf:{turned >> 16:x}:{turned & 0xFFFF:x}",
        "ISATAP": f"2a00::5efe:{high:x}:{low:x}",
        "ISATAP of a global address": f"2a00::200:5efe:{high:x}:{low:x}",
    }


WAYS = list(wrapped("1.1.1.1"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "192.168.3.4", "100.64.0.1", "192.0.2.1"])
def test_a_private_address_is_not_hidden_by_what_wraps_it(way: str, inside: str) -> None:
    assert not is_called(wrapped(inside)[way])
    assert is_called(wrapped(inside)[way], private=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("inside", ["169.254.169.254", "192.0.0.192", "168.63.129.16", "224.0.0.1"])
def test_what_is_never_called_is_not_hidden_by_what_wraps_it(way: str, inside: str) -> None:
    assert not is_called(wrapped(inside)[way], private=True)


@pytest.mark.parametrize("way", ["mapped", "NAT64", "6to4", "Teredo", "ISATAP"])
def test_a_public_address_inside_is_called(way: str) -> None:
    assert is_called(wrapped("93.184.215.14")[way])


@pytest.mark.parametrize("address", ["fec0::1", "64:ff9b:1::a00:1", "::127.0.0.1", "::ffff:0:127.0.0.1", "2002:a00:1::"])
def test_what_an_older_python_lets_through(address: str) -> None:
    assert not is_called(address)

"""Which addresses may be called: a peer's URL is hostile until checked, and so is what its host name resolves to."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from hubinfo.ocpi.embedded import Address, embedded
from hubinfo.ocpi.fields import is_url


def _networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


# Each answers only to the machine that asks, or to nobody in particular; the metadata services of clouds tell whoever asks
# the keys of that machine.
_NEVER = _networks(
    *("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/128", "fe80::/10", "ff00::/8"),
    *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),  # Alibaba, Azure, Oracle
    *("fd00:42::42/128", "fd00:ec2::/64", "fd20:ce::/64"),  # Scaleway, AWS, Google
)
# The special-purpose registries of IANA as of 2026, which the tests hold these to. A release of Python knows those of its time.
_NOT_GLOBAL = _networks(
    *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
    *("2001::/23", "2001:db8::/32", "3fff::/20"),
)
_GLOBAL_ALL_THE_SAME = _networks(
    *("192.0.0.9/32", "192.0.0.10/32"),
    *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32", "2001:4:112::/48", "2001:20::/28", "2001:30::/28"),
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


class AddressRefused(Exception):
    """This URL or address must not be called; the message says why."""


@dataclass(frozen=True)
class Guard:
    """What the settings allow."""

    allow_private_networks: bool
    allow_http: bool

    def check_url(self, url: str) -> None:
        """Raises AddressRefused for a URL that is refused as it stands, whatever its host resolves to."""
        if not is_url(url):
            raise AddressRefused("not a URL that can be called")
        parts = urlsplit(url)
        if parts.scheme != "https" and not self.allow_http:
            raise AddressRefused("http:// is not allowed here, only https://")
        literal = _literal(parts.hostname or "")
        if literal is not None:
            self.check_address(literal)

    def check_address(self, address: Address) -> None:
        """Raises AddressRefused unless this address, and any IPv4 address inside it, may be connected to."""
        inside = embedded(address)
        if any(_is_in(seen, _NEVER) for seen in (address, *inside.addresses)):
            raise AddressRefused(f"address {address} is never called")
        # A wrapper counts as what it wraps: ::ffff:93.184.215.14 is as public as the address inside.
        judged = inside.addresses if inside.is_as_good else (address, *inside.addresses)
        if not self.allow_private_networks and not all(map(_is_global, judged)):
            raise AddressRefused(f"address {address} is in a private network, which is not allowed here")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_in(address: Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)


def _is_global(address: Address) -> bool:
    """Whether anybody on the internet can be at this address. Of IPv6 that is 2000::/3, less what has another purpose."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not _is_in(address, _NOT_GLOBAL + _NEVER) or _is_in(address, _GLOBAL_ALL_THE_SAME)

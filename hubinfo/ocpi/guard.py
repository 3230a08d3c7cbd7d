"""Which addresses may be called: a peer's URL is hostile until checked, and so is what its host name resolves to."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from hubinfo.ocpi.fields import is_url

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by number, but each answers only to the machine it runs on: the clouds' metadata services.
_METADATA = {ipaddress.ip_address(text) for text in ("168.63.129.16", "169.254.169.254", "fd00:ec2::254", "100.100.100.200")}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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
        """Raises AddressRefused unless this address, and any that it wraps, may be connected to."""
        for seen in (address, *_wrapped(address)):
            if seen in _METADATA or seen.is_link_local or seen.is_multicast or seen.is_unspecified:
                raise AddressRefused(f"address {address} is never called")
            # A wrapper counts as what it wraps: ::ffff:93.184.215.14 is as public as the address inside.
            private = not seen.is_global and not (seen is address and _wrapped(address))
            if private and not self.allow_private_networks:
                raise AddressRefused(f"address {address} is in a private network, which is not allowed here")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _wrapped(address: Address) -> list[Address]:
    """The IPv4 addresses inside an IPv6 one: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inside = [address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None]
    if address in _NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [found for found in inside if found is not None]

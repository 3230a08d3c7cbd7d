"""IPv4 addresses inside IPv6 ones: who sends to the one may reach the other."""

import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
"""Of SIIT (RFC 2765)."""
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
"""Of a network's own choosing (RFC 8215), with the IPv4 address after any of the lengths of RFC 6052."""
_LOCAL_LENGTHS = (48, 56, 64, 96)
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
"""What zeros look like after the wrong length."""
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


@dataclass(frozen=True)
class Embedded:
    """The IPv4 addresses that an address may lead to."""

    addresses: tuple[ipaddress.IPv4Address, ...] = ()
    is_as_good: bool = False
    """The address is no more than a way to write the one inside."""


def embedded(address: Address) -> Embedded:
    """Mapped, compatible, SIIT, NAT64, 6to4, Teredo and ISATAP."""
    if isinstance(address, ipaddress.IPv4Address):
        return Embedded()
    number = int(address)
    last = ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    if address in _MAPPED or address in _NAT64:
        return Embedded((last,), is_as_good=True)
    if address in _SIX_TO_FOUR:
        return Embedded((ipaddress.IPv4Address(number >> 80 & 0xFFFF_FFFF),), is_as_good=True)
    if address in _TEREDO:
        return Embedded((ipaddress.IPv4Address(~number & 0xFFFF_FFFF),), is_as_good=True)
    if (address in _COMPATIBLE and number > 1) or address in _TRANSLATED or (number >> 32 & 0xFFFF_FFFF) in _ISATAP:
        return Embedded((last,))
    if address in _NAT64_LOCAL:
        found = (_after(number, length) for length in _LOCAL_LENGTHS)
        return Embedded(tuple(each for each in found if each is not None and each not in _THIS_NETWORK))
    return Embedded()


def _after(number: int, length: int) -> ipaddress.IPv4Address | None:
    """The IPv4 address after a prefix of so many bits (RFC 6052, 2.2); None where what has to be zero is not."""
    if length == 96:
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    octets = number.to_bytes(16)
    following = octets[length // 8 : 8] + octets[9:]
    if octets[8] or any(following[4:]):
        return None
    return ipaddress.IPv4Address(following[:4])

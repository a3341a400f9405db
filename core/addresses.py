"""Addresses of the web that a client names to fetch from: for machines of theirs, or for the service itself."""

import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_LONGEST = 2_000
# Letters, digits and hyphens, as DNS has them; other letters come as `xn--…`.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All of IPv6 that is given out; what lies outside is special, or leads somewhere by a translation.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# The part of an ISATAP address that stands before the IPv4 address which it leads to.
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}
_PORTS = {"http": 80, "https": 443}
_HERE = {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"}


def public_https(address: str) -> str:
    """The address as it was sent, if it is one of https on a public host.

    Raises ValueError with a sentence: for another scheme, a user or a password, and a host that is an address of a
    private, loopback, link-local or otherwise special network. Names are not looked up.
    """
    parts = _checked(address)
    if parts.scheme != "https":
        raise ValueError("must begin with https://")
    _refuse_special(parts.hostname or "")
    return address


def public_web(address: str, *, allowed: Collection[str] = ()) -> str:
    """The same for an address that the service itself fetches from, by https or http.

    Hosts of `allowed` may be anywhere. A fragment is refused, since no server would be told of it.
    """
    parts = _checked(address)
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with https:// or http://")
    if "#" in address:
        raise ValueError("must not carry a fragment (#)")
    if (parts.hostname or "") not in allowed:
        _refuse_special(parts.hostname or "")
    return address


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: a name that was looked up, and the one address that it is to be sent to."""

    parts: SplitResult
    host: str
    port: int
    address: str


def destinations(address: str, *, allowed: Collection[str] = ()) -> list[Destination]:
    """The addresses that an accepted address's host has at present, each to be connected to as it is.

    Raises ValueError where one of them is not public: a name that leads here and there is none to trust. Raises
    OSError where the name has none.
    """
    parts = _split(address)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    found = dict.fromkeys(one[4][0] for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    for one in found:
        if host not in allowed and not is_public(ipaddress.ip_address(str(one).partition("%")[0])):
            raise ValueError("leads to a private, loopback or link-local address")
    return [Destination(parts, host, port, str(one)) for one in found]


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether anybody on the internet may be asked there, and nobody nearer: no way round by IPv6 leads to IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = _carried(address)
        if carried is not None:
            return is_public(carried)
        if address not in _GIVEN_OUT or address.teredo or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
            return False
    return address.is_global and not address.is_multicast


def public_https_base(address: str) -> str:
    """The same for an address that paths are put behind: without a query and a fragment."""
    found = public_https(address)
    if "?" in found or "#" in found:
        raise ValueError("must not carry a query (?) or a fragment (#): the paths of files are put behind it")
    return found


def _checked(address: str) -> SplitResult:
    if len(address) > _LONGEST:
        raise ValueError(f"must be at most {_LONGEST} characters long")
    if _UNPRINTABLE.search(address) or not address.isascii():
        raise ValueError("must be written in ASCII without blanks and backslashes, as RFC 3986 has it")
    parts = _split(address)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user name or a password")
    return parts


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        # Reading it is what judges it.
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL, such as https://patches.example.com/base") from None
    return parts


def _refuse_special(host: str) -> None:
    name = host.rstrip(".").lower()
    literal = _literal(name)
    if literal is not None:
        if not is_public(literal):
            raise ValueError("must not name a private, loopback or link-local address")
    elif name in _HERE or name.endswith(".localhost"):
        raise ValueError("must not name the machine itself")
    elif not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("must be a URL with a host, such as https://patches.example.com/base")


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host spells; None for a name. Short and hexadecimal spellings count, too."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _old_literal(host)
    return found


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside one of IPv6 that leads there: mapped, 6to4 or NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _old_literal(host: str) -> ipaddress.IPv4Address | None:
    """`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None

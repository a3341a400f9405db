"""Network interfaces, as GetAdaptersAddresses tells them."""

import ctypes
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

from hostagent.platforms.windows.calls import DWORD, iphlpapi

_GATEWAYS, _ANY_FAMILY, _TOO_SMALL, _LOOPBACK = 0x80, 0, 111, 24


class _Socket(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("length", ctypes.c_int)]


class _Address(ctypes.Structure):
    """The head that IP_ADAPTER_UNICAST_ADDRESS and IP_ADAPTER_GATEWAY_ADDRESS have in common."""

    _fields_ = [("length", DWORD), ("flags", DWORD), ("next", ctypes.c_void_p), ("socket", _Socket)]


class _Adapter(ctypes.Structure):
    """The head of IP_ADAPTER_ADDRESSES, as far as it is read here."""

    _fields_ = [
        ("length", DWORD),
        ("index", DWORD),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("unicast", ctypes.c_void_p),
        ("anycast", ctypes.c_void_p),
        ("multicast", ctypes.c_void_p),
        ("dns", ctypes.c_void_p),
        ("suffix", ctypes.c_wchar_p),
        ("description", ctypes.c_wchar_p),
        ("friendly", ctypes.c_wchar_p),
        ("mac", ctypes.c_ubyte * 8),
        ("mac_length", DWORD),
        ("flags", DWORD),
        ("mtu", DWORD),
        ("kind", DWORD),
        ("status", ctypes.c_int),
        ("index6", DWORD),
        ("zones", DWORD * 16),
        ("prefix", ctypes.c_void_p),
        ("sending", ctypes.c_uint64),
        ("receiving", ctypes.c_uint64),
        ("wins", ctypes.c_void_p),
        ("gateway", ctypes.c_void_p),
    ]


def interfaces() -> list[dict[str, str | None]]:
    """Every interface but loopback, once for each of its global addresses; none where Windows does not tell."""
    size = DWORD(16 * 1024)
    error = _TOO_SMALL
    while error == _TOO_SMALL:
        buffer = ctypes.create_string_buffer(size.value)
        error = iphlpapi.GetAdaptersAddresses(_ANY_FAMILY, _GATEWAYS, None, buffer, ctypes.byref(size))
    if error:
        return []
    adapters = _chain(ctypes.addressof(buffer), _Adapter)
    return [row for adapter in adapters if adapter.kind != _LOOPBACK for row in _rows(adapter)]


def _rows(adapter: Any) -> list[dict[str, str | None]]:
    addresses: list[Any] = [one for one in _addresses(adapter.unicast) if not (one.is_link_local or one.is_loopback)]
    gateways = {one.version: str(one) for one in _addresses(adapter.gateway)}
    mac = ":".join(f"{byte:02x}" for byte in adapter.mac[: adapter.mac_length])
    ipv6 = next((str(one) for one in addresses if one.version == 6), None)
    return [
        {
            "interfaceName": adapter.friendly,
            "macAddress": mac or None,
            "address": str(one) if one else None,
            "gatewayAddress": gateways.get(one.version) if one else None,
            "ipv6Address": ipv6,
        }
        for one in addresses or [None]
    ]


def _addresses(first: int | None) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    for entry in _chain(first, _Address):
        raw = ctypes.string_at(entry.socket.address, entry.socket.length)
        family = int.from_bytes(raw[:2], "little")
        if family == socket.AF_INET:
            yield ipaddress.IPv4Address(raw[4:8])
        elif family == socket.AF_INET6:
            yield ipaddress.IPv6Address(raw[8:24])


def _chain(address: int | None, kind: type[ctypes.Structure]) -> Iterator[Any]:
    while address:
        entry = kind.from_address(address)
        yield entry
        address = entry.next

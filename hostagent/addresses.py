"""Which addresses this program may call: https, or http to this machine itself."""

import ipaddress
from urllib.parse import urlsplit


def is_allowed(url: str) -> bool:
    """Whether what is sent to it, and comes from it, can be neither read nor changed on the way."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def is_loopback(host: str) -> bool:
    """Whether this is the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

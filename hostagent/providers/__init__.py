"""The machine's package manager, one module per kind."""

import shutil

from hostagent.host import Host
from hostagent.providers.apt import Apt
from hostagent.providers.base import Provider
from hostagent.providers.dnf import Dnf

__all__ = ["Provider", "provider_of"]


def provider_of(host: Host) -> Provider | None:
    """The package manager that looks after this host; None when it is none that we know.

    Both programs may be installed on one machine; the host's own package database and sources say which is in charge.
    """
    if host.path("var/lib/dpkg/status").exists() and shutil.which("apt-get"):
        return Apt(host)
    if shutil.which("dnf") and (host.path("etc/dnf.conf").exists() or host.path("etc/dnf/dnf.conf").exists()):
        return Dnf(host)
    return None

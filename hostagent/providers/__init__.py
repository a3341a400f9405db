"""The machine's package manager, one module per kind."""

import shutil

from hostagent.host import Host
from hostagent.providers.apt import Apt
from hostagent.providers.base import Provider
from hostagent.providers.dnf import Dnf
from hostagent.providers.zypper import Zypper

__all__ = ["Provider", "provider_of"]


def provider_of(host: Host) -> Provider | None:
    """The package manager that looks after this host; None when it is none that we know.

    Several programs may be installed on one machine; the host's own package database and sources say which is in
    charge, and of zypper and dnf, where both have theirs, the distribution.
    """
    if host.path("var/lib/dpkg/status").exists() and shutil.which("apt-get"):
        return Apt(host)
    has_dnf = shutil.which("dnf") and (host.path("etc/dnf.conf").exists() or host.path("etc/dnf/dnf.conf").exists())
    has_zypper = shutil.which("zypper") and host.path("etc/zypp/repos.d").is_dir()
    if has_zypper and (not has_dnf or _is_suse(host)):
        return Zypper(host)
    return Dnf(host) if has_dnf else None


def _is_suse(host: Host) -> bool:
    try:
        lines = host.path("etc/os-release").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any("suse" in line for line in lines if line.startswith(("ID=", "ID_LIKE=")))

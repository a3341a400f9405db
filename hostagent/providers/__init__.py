"""The machine's package manager, one module per kind."""

import sys
from pathlib import Path

from hostagent.host import Host
from hostagent.providers.base import Provider

__all__ = ["Provider", "provider_of"]

if sys.platform == "win32":
    from hostagent.platforms.windows.provider import Windows

    def provider_of(host: Host, folder: Path | None = None) -> Provider | None:
        """Windows looks after itself. Installers are kept in `folder`, for the way back; None: nothing is installed."""
        return Windows(host, folder)

else:
    import shutil

    from hostagent.providers.apt import Apt
    from hostagent.providers.dnf import Dnf
    from hostagent.providers.zypper import Zypper

    def provider_of(host: Host, folder: Path | None = None) -> Provider | None:
        """The package manager that looks after this host; None when it is none that we know. It needs no `folder`.

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

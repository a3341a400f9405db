"""Versions and package addresses, as agents spell them."""

from dataclasses import dataclass

from packageurl import PackageURL

MANAGERS = {"deb": "apt", "rpm": "dnf"}
_SOURCES = {"src", "nosrc", "source"}
# What nobody installs for its own sake.
_DEBUG = ("-debuginfo", "-debugsource", "-dbgsym", "-dbg")


@dataclass(frozen=True, slots=True)
class NamedPackage:
    """A package in a version, as an advisory names it."""

    package_manager: str
    package: str
    version: str
    architecture: str
    # What it says of the system that it is for.
    distribution: str

    @property
    def is_installable(self) -> bool:
        """Whether a machine could have it: not a source, of an architecture."""
        known = self.architecture and self.architecture not in _SOURCES
        return bool(known) and not self.package.endswith(_DEBUG)


def rpm_version(epoch: str, version: str, release: str) -> str:
    """As rpm writes it: an epoch of 0 is left out."""
    evr = f"{version}-{release}" if release else version
    return evr if epoch in ("", "0", "(none)") else f"{epoch}:{evr}"


def named_package(purl: str) -> NamedPackage | None:
    """Of `pkg:rpm/redhat/openssl@3.0.7-25.el9_3?arch=x86_64&epoch=1`; None for what no agent of ours installs."""
    try:
        found = PackageURL.from_string(purl)
    except ValueError:
        return None
    qualifiers: dict[str, str] = dict(found.qualifiers) if isinstance(found.qualifiers, dict) else {}
    manager = MANAGERS.get(found.type)
    if manager is None or not found.version:
        return None
    version = found.version
    if manager == "dnf" and ":" not in version:
        version = rpm_version(qualifiers.get("epoch", ""), version, "")
    distribution = qualifiers.get("distro", "")
    return NamedPackage(manager, found.name, version, qualifiers.get("arch", ""), distribution)


def severity_of_score(score: float | None) -> int | None:
    """A CVSS base score as 1 to 5; None for none."""
    if score is None or score <= 0:
        return None
    return 5 if score >= 9 else 4 if score >= 7 else 3 if score >= 4 else 2

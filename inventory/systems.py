"""One name for each operating system, however machines, repositories and advisories spell it.

What is compared here is which packages fit: point releases of a system share them.
"""

import re
from collections.abc import Mapping

# By the word that every spelling has; the longer words first. The second says how many parts of the version count.
_FAMILIES: tuple[tuple[str, str, int], ...] = (
    ("red hat enterprise linux", "Red Hat Enterprise Linux", 1),
    ("enterprise_linux", "Red Hat Enterprise Linux", 1),
    ("opensuse leap", "openSUSE Leap", 2),
    ("opensuse:leap", "openSUSE Leap", 2),
    ("suse linux enterprise server", "SUSE Linux Enterprise Server", 1),
    ("centos stream", "CentOS Stream", 1),
    ("rocky", "Rocky Linux", 1),
    ("alma", "AlmaLinux", 1),
    ("oracle linux", "Oracle Linux", 1),
    ("amazon linux", "Amazon Linux", 1),
    ("fedora", "Fedora Linux", 1),
    ("centos", "CentOS", 1),
    ("debian", "Debian", 1),
    ("ubuntu", "Ubuntu", 2),
)
# Repositories often name these instead of numbers.
_CODENAMES: Mapping[str, str] = {
    "buster": "Debian 10",
    "bullseye": "Debian 11",
    "bookworm": "Debian 12",
    "trixie": "Debian 13",
    "forky": "Debian 14",
    "focal": "Ubuntu 20.04",
    "jammy": "Ubuntu 22.04",
    "noble": "Ubuntu 24.04",
    "resolute": "Ubuntu 26.04",
}
_VERSION = re.compile(r"\d+(?:\.\d+)*")
_WORDS = re.compile(r"[a-z]+")


def system_name(text: str) -> str:
    """`Debian GNU/Linux 12 (bookworm)`, `Debian:12` and `bookworm-security` are `Debian 12`; unknown text is kept."""
    lowered = text.lower()
    for word, family, parts in _FAMILIES:
        start = lowered.find(word)
        version = _VERSION.search(lowered, start + len(word)) if start >= 0 else None
        if version:
            return f"{family} {'.'.join(version[0].split('.')[:parts])}"
    named = next((_CODENAMES[word] for word in _WORDS.findall(lowered) if word in _CODENAMES), None)
    return named or text.strip()

"""Version keys sort as dpkg and rpm do: by their own test tables, and by their own programs."""

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostagent.providers import rpm_versions
from inventory.systems import system_name
from inventory.versions import version_key
from tests.properties import FACTOR

# Ascending; equal ones in one tuple. From dpkg's and rpm's own tests, and what distributions really have.
APT = [
    ("0~~", "0:0~~"),
    ("0~",),
    ("0", "0-0", "0:0", "00", "0-00"),
    ("0a",),
    ("0+b1",),
    ("0.0.1",),
    ("1.0~rc1-1",),
    ("1.0", "1.0-0"),
    ("1.0-1~bpo11+1",),
    ("1.0-1",),
    ("1.0-1+b1",),
    ("1.0-1.1",),
    ("1.0a",),
    ("1.0+dfsg-1",),
    ("1.2",),
    ("1.10",),
    ("2.36-9+deb12u3",),
    ("2.36-9+deb12u10",),
    ("1:0.1",),
    ("10:0.1",),
]
DNF = [
    ("1.0~beta-1",),
    ("1.0~rc1-1",),
    ("1.0-1", "0:1.0-1", "1.00-1", "1_0-01"),
    ("1.0-1.el9",),
    ("1.0-1.el9_3",),
    ("1.0-2.el8",),
    ("1.0-10.el8",),
    ("1.0^20240101-1",),
    ("1.0a-1",),
    ("1.0.1-1",),
    ("1.2-1",),
    ("1.10-1",),
    ("1:0.1-1",),
]


@pytest.mark.parametrize(("manager", "ladder"), [("apt", APT), ("dnf", DNF)])
def test_version_key__known_orders__sorts_so(manager: str, ladder: list[tuple[str, ...]]) -> None:
    keys = [{version_key(manager, version) for version in step} for step in ladder]

    assert all(len(step) == 1 for step in keys)
    assert all(max(lower) < max(higher) for lower, higher in pairwise(keys))  # type: ignore[type-var]


def test_version_key__unknown_manager__has_none() -> None:
    assert version_key("pacman", "1.0-1") is None


parts = st.text("019.+~ab", min_size=1, max_size=6).map(lambda text: f"1{text}")
apt_versions = st.builds("{}{}-{}".format, st.sampled_from(["", "0:", "1:"]), parts, parts)
rpm_versions_ = st.text("019._+~^aB", min_size=1, max_size=8)


def order(manager: str, first: str, second: str) -> int:
    one, other = version_key(manager, first), version_key(manager, second)
    assert one is not None
    assert other is not None
    return (one > other) - (one < other)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="there is no dpkg to ask")
@settings(max_examples=150 * FACTOR, deadline=None)
@given(apt_versions, apt_versions)
def test_version_key__any_two__order_as_dpkg_says(first: str, second: str) -> None:
    says = {0: "eq", 1: "gt", -1: "lt"}[order("apt", first, second)]

    assert subprocess.run(["dpkg", "--compare-versions", first, says, second], check=False).returncode == 0


@settings(max_examples=1000 * FACTOR, deadline=None)
@given(rpm_versions_, rpm_versions_)
def test_version_key__any_two__order_as_our_agent_says(first: str, second: str) -> None:
    assert order("dnf", f"{first}-1", f"{second}-1") == rpm_versions.compare(f"{first}-1", f"{second}-1")


@pytest.mark.skipif(not shutil.which("rpm"), reason="there is no rpm to ask")
def test_version_key__many_pairs__order_as_rpm_says() -> None:
    words = [
        "1",
        "1.0",
        "1.0~",
        "1.0~a",
        "1.0^",
        "1.0^~",
        "1.0^a",
        "1.0a",
        "1.0a1",
        "1.0.1",
        "1.01",
        "a",
        "a1",
        "~",
        "^",
    ]
    pairs = [(first, second) for first in words for second in words]
    asks = " ".join(f'print(rpm.vercmp("{first}-1", "{second}-1"), "")' for first, second in pairs)
    told = subprocess.run(["rpm", "--eval", f"%{{lua: {asks}}}"], check=True, capture_output=True, text=True).stdout

    assert [order("dnf", f"{first}-1", f"{second}-1") for first, second in pairs] == [int(one) for one in told.split()]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Debian GNU/Linux 12 (bookworm)", "Debian 12"),
        ("Debian:12", "Debian 12"),
        ("bookworm-security", "Debian 12"),
        ("Ubuntu 22.04.3 LTS", "Ubuntu 22.04"),
        ("Ubuntu:22.04:LTS", "Ubuntu 22.04"),
        ("Rocky Linux 9.3 (Blue Onyx)", "Rocky Linux 9"),
        ("AlmaLinux:9", "AlmaLinux 9"),
        ("Red Hat Enterprise Linux BaseOS (v. 9)", "Red Hat Enterprise Linux 9"),
        ("Red Hat:enterprise_linux:9::baseos", "Red Hat Enterprise Linux 9"),
        ("openSUSE:Leap 15.5", "openSUSE Leap 15.5"),
        ("Windows Server 2022", "Windows Server 2022"),
    ],
)
def test_system_name__each_spelling__is_one_name(told: str, name: str) -> None:
    assert system_name(told) == name

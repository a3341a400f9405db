"""rpm's order of versions; the cases are those of rpm's own test suite (tests/rpmvercmp.at)."""

import pytest

from hostagent.providers.rpm_versions import compare


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        ("1.0", "1.0", 0),
        ("1.0", "2.0", -1),
        ("2.0.1", "2.0.1a", -1),
        ("5.5p1", "5.5p10", -1),
        ("10xyz", "10.1xyz", -1),
        ("xyz.4", "8", -1),
        ("5.16.1-9", "5.16.1-10", -1),
        ("6.5p1", "5.6p1", 1),
        ("2_0", "2.0", 0),
        ("10.0001", "10.1", 0),
        ("4.999.9", "5.0", -1),
        ("1.0~rc1", "1.0", -1),
        ("1.0~rc1", "1.0~rc2", -1),
        ("1.0~rc1~git123", "1.0~rc1", -1),
        ("1.0^", "1.0", 1),
        ("1.0^git1", "1.0^git2", -1),
        ("1.0^git1", "1.01", -1),
        ("1.0^20160101", "1.0.1", -1),
        ("1.0~rc1^git1", "1.0~rc1", 1),
        ("1.0^git1~pre", "1.0^git1", -1),
        ("1:1.0", "2.0", 1),
        ("0:1.0-1", "1.0-1", 0),
        ("2.0", "2.0-7", 0),
    ],
)
def test_compare__as_rpm_does__both_ways(first: str, second: str, order: int):
    assert compare(first, second) == order
    assert compare(second, first) == -order

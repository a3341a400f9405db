"""The main job of the service: patches on machines, mails about it, and the way back."""

import pytest

from demo.hosts import installed_version, package_state
from demo.repositories import Build
from tests.journeys.conftest import APP, APT, BETWEEN, LEGACY, MIXED, RPM
from tests.journeys.tools import NEW, OLD, Customer, Rollout

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def machines(acme: Customer) -> list[str]:
    """Those that the job is for, by a tag; the last of apt has the tag too, and is excluded."""
    return [name for name in (*APT[:2], LEGACY, RPM) if name in acme.machines]


@pytest.fixture(scope="module")
def targets(acme: Customer, machines: list[str]) -> dict[str, list[str]]:
    """The job's target list."""
    return {
        "assetTagIds": [acme.tag("story", [*machines, APT[2]])],
        "exclusionAssetIds": [acme.assets()[APT[2]]["id"]],
    }


@pytest.fixture(scope="module")
def installed(acme: Customer, machines: list[str], targets: dict[str, list[str]]) -> Rollout:
    """The job that installs, ended."""
    rollout = acme.roll_out(APP, machines, **targets)
    rollout.wait_ended()
    return rollout


def test_install__hosts_of_a_tag__are_changed_once_and_verified(installed: Rollout):
    rows = installed.check_ended(apt_legacy="Failed", apt_3="Skipped")

    assert rows[APT[2]]["reason"] == "excluded"
    healthy = [machine for machine in installed.machines if machine.host.name != LEGACY]
    Rollout(installed.customer, installed.job, APP, healthy, "Install").check_installed_once()
    excluded = installed.customer.machines[APT[2]].host
    assert installed_version(excluded, APP) == OLD
    assert installed.configured(excluded) == []


def test_install__package_whose_script_fails__fails_that_host_with_what_it_said(installed: Rollout):
    legacy = installed.customer.machines[LEGACY]

    detail = installed.detail(legacy)

    (patch,) = [step for step in detail["steps"] if step["kind"] == "patch"]
    assert detail["state"] == "Failed"
    assert (patch["state"], patch["reason"], patch["verified"]) == ("Failed", "package_manager_failed", False)
    assert patch["exitCode"] == 100
    assert Build(APP, NEW, refuses_legacy=True).refusal in patch["output"]
    assert package_state(legacy.host, APP) == "half-configured"
    assert installed.configured(legacy.host) == [NEW]
    assert installed.scripted(legacy.host) == ["before Install", "after Install"]


def test_rollback__after_the_install__brings_the_old_version_back_and_repairs(
    installed: Rollout, acme: Customer, machines: list[str], targets: dict[str, list[str]]
):
    rollback = acme.roll_out(APP, machines, kind="Rollback", **targets)

    rollback.check_ended(apt_3="Skipped")

    for host in rollback.hosts:
        assert installed_version(host, APP) == OLD, host.name
        assert package_state(host, APP) == "installed", host.name
        assert rollback.configured(host) == [NEW, OLD], host.name
        assert rollback.scripted(host)[2:] == ["before Rollback", "after Rollback"], host.name


def test_rollback__hosts_had_different_versions__each_goes_back_to_its_own(acme: Customer):
    acme.roll_out(MIXED, APT[:2]).check_ended()
    rollback = acme.roll_out(MIXED, APT[:2], kind="Rollback")

    rollback.check_ended()

    first, second = rollback.hosts
    assert (installed_version(first, MIXED), rollback.configured(first)) == (OLD, [NEW, OLD])
    assert (installed_version(second, MIXED), rollback.configured(second)) == (BETWEEN, [NEW, BETWEEN])

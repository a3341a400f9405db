"""Patch steps on real package managers."""

import fcntl
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from demo import hosts
from demo.repositories import Build
from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.providers import provider_of
from hostagent.providers.apt import Apt
from hostagent.providers.dnf import Dnf
from hostagent.providers.zypper import Zypper
from tests.hostagent.conftest import World, skip_without
from tests.hostagent.server import Server, patch_step, scan_step, script_step

KINDS = pytest.mark.parametrize("kind", ["apt", "dnf", "zypper"])
Make = Callable[..., World]


@KINDS
def test_install__newer_version__is_installed_once_and_seen_by_the_scan(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    server.offer(patch_step(1, "acme-app", "2.0"), scan_step(2))

    world.once()

    assert world.version() == "2.0"
    assert world.ledger() == ["configured acme-app 2.0"]
    end = server.ends()[1]
    assert (end["state"], end["reason"], end["exitCode"]) == ("succeeded", "done", 0)
    assert end["fromVersion"].startswith("1.0")
    assert end["toVersion"].startswith("2.0")
    assert server.kinds() == [
        *("accepted", "step_started", "step_finished"),
        *("step_started", "scanned", "step_finished", "finished"),
    ]
    scan = next(report["scan"] for report in server.reports[1, 1] if report["kind"] == "scanned")
    versions = {package["name"]: package["version"] for package in scan["packages"]}
    assert versions["acme-app"].startswith("2.0")
    assert [update["package"] for update in scan["updates"]] == ["acme-lib"]
    assert scan["updates"][0]["toVersion"].startswith("2.0")


@KINDS
def test_install__already_there__does_nothing(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    server.offer(patch_step(1, "acme-app", "1.0"))

    world.once()

    assert (server.ends()[1]["state"], server.reasons()) == ("succeeded", ["already_installed"])
    assert world.ledger() == []


@KINDS
def test_install__not_on_the_machine__is_not_applicable(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    world.repository.publish(Build("acme-other", "2.0"))
    server.offer(patch_step(1, "acme-other", "2.0"), patch_step(2, "acme-app", "2.0"))

    world.once()

    assert server.reasons() == ["not_installed", "done"]
    assert server.ends()[1]["state"] == "not_applicable"
    assert hosts.package_state(world.host, "acme-other") == "not-installed"


@KINDS
def test_install__nobody_offers_it__fails_without_touching_anything(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    server.offer(patch_step(1, "acme-app", "9.0"), patch_step(2, "acme-lib", "2.0"))

    world.once()

    assert server.reasons() == ["no_candidate", "earlier_step_failed"]
    assert server.ends()[1]["state"] == "failed"
    assert (world.version(), world.version("acme-lib"), world.ledger()) == ("1.0", "1.0", [])


@KINDS
def test_install__one_fails_and_the_manifest_goes_on__later_patches_are_tried(
    make_world: Make, server: Server, kind: str
):
    world = make_world(kind)
    world.repository.publish(Build("acme-lib", "2.0"))
    conduct = {"continueOnPatchFailure": True}
    server.offer(patch_step(1, "acme-app", "9.0"), patch_step(2, "acme-lib", "2.0"), conduct=conduct)

    world.once()

    assert server.reasons() == ["no_candidate", "done"]
    assert (world.version(), world.version("acme-lib")) == ("1.0", "2.0")


@KINDS
def test_rollback__no_version_named__goes_back_to_what_the_install_replaced(
    make_world: Make, server: Server, kind: str
):
    world = make_world(kind)
    suffix = "" if kind == "apt" else "-1"
    server.offer(patch_step(1, "acme-app", f"2.0{suffix}"))
    world.once()
    server.offer(patch_step(1, "acme-app", f"2.0{suffix}", operation="rollback"), hostTaskId=2)

    world.once()

    assert server.reasons(2) == ["done"]
    assert world.version() == "1.0"
    assert world.ledger() == ["configured acme-app 2.0", "configured acme-app 1.0"]


@KINDS
def test_rollback__version_named__goes_there(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    hosts.install(world.host, "acme-app=2.0")
    server.offer(patch_step(1, "acme-app", "2.0", back_to="1.0", operation="rollback"))

    world.once()

    assert (server.reasons(), world.version()) == (["done"], "1.0")


def test_rollback__nothing_known__is_not_applicable(world: World, server: Server):
    server.offer(
        patch_step(1, "acme-app", "1.0", operation="rollback"),
        patch_step(2, "acme-lib", "2.0", back_to="0.5", operation="rollback"),
    )

    world.once()

    assert server.reasons() == ["nothing_to_roll_back", "nothing_to_roll_back"]
    assert {end["state"] for end in server.ends().values()} == {"not_applicable"}


def test_install__its_own_script_fails__is_reported_broken_and_repaired_by_rollback(make_world: Make, server: Server):
    world = make_world("apt", legacy=True, refuses_legacy=True)
    server.offer(
        patch_step(1, "acme-app", "2.0"),
        patch_step(2, "acme-lib", "2.0"),
        script_step(3, "echo cleaned", stage="post"),
        scan_step(4),
    )
    world.once()
    broken = hosts.package_state(world.host, "acme-app")
    server.offer(patch_step(1, "acme-app", "2.0", operation="rollback"), hostTaskId=2)

    world.once()

    assert broken == "half-configured"
    assert server.reasons() == ["package_manager_failed", "earlier_step_failed", "done", "done"]
    assert "cannot migrate /etc/acme/legacy.conf" in server.ends()[1]["output"]
    assert (server.ends()[1]["fromVersion"], server.ends()[1]["toVersion"]) == ("1.0", "2.0")
    scan = next(report["scan"] for report in server.reports[1, 1] if report["kind"] == "scanned")
    assert {package["state"] for package in scan["packages"] if package["name"] == "acme-app"} == {"broken"}
    assert server.reasons(2) == ["done"]
    assert (hosts.package_state(world.host, "acme-app"), world.version()) == ("installed", "1.0")
    history = json.loads((world.home / "history.json").read_text())
    assert [(change["from"], change["to"]) for change in history["acme-app"]] == [("1.0", "2.0")]


@pytest.mark.parametrize("kind", ["dnf", "zypper"])
def test_rpm_install__package_refuses__fails_and_keeps_the_old_version(make_world: Make, server: Server, kind: str):
    world = make_world(kind, legacy=True, refuses_legacy=True)
    server.offer(patch_step(1, "acme-app", "2.0"))

    world.once()

    assert server.reasons() == ["package_manager_failed"]
    assert (world.version(), world.ledger()) == ("1.0", [])


@pytest.mark.parametrize("kind", ["dnf", "zypper"])
def test_rpm_scan__advisory_in_the_repository__is_told(make_world: Make, server: Server, kind: str):
    world = make_world(kind, severity="Critical", advisory="ACME-2026:1")

    world.once()

    updates = {update["package"]: update for update in server.scans[0]["updates"]}
    told = updates["acme-app"]
    assert (told["severity"], told["advisory"], told["cves"]) == ("Critical", "ACME-2026:1", ["CVE-2026-0001"])
    assert (updates["acme-lib"]["severity"], updates["acme-lib"]["advisory"]) == (None, None)
    assert server.scans[0]["machine"]["packageManager"] == kind


def test_scan__apt__names_the_origin_and_the_machine(world: World, server: Server):
    world.once()

    scan = server.scans[0]
    assert {update["source"] for update in scan["updates"]} == {"Acme"}
    assert {(update["fromVersion"], update["toVersion"]) for update in scan["updates"]} == {("1.0", "2.0")}
    assert (scan["machine"]["name"], scan["machine"]["packageManager"]) == ("web-01", "apt")
    assert scan["rebootRequired"] is False


def test_install__package_manager_locked__is_said_so(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "2.0"))
    with (world.host.root / "var/lib/dpkg/lock-frontend").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)

        world.once(lock_wait=0.0)

    assert server.reasons() == ["package_manager_locked"]
    assert (world.version(), world.ledger()) == ("1.0", [])


def test_zypper_install__zypper_locked__is_said_so(make_world: Make, server: Server):
    world = make_world("zypper")
    server.offer(patch_step(1, "acme-app", "2.0-1"))
    # zypper knows another by its name as well as by its number.
    other = subprocess.Popen(["sleep", "60"])
    try:
        (world.host.root / "run").mkdir(exist_ok=True)
        world.write("run/zypp.pid", str(other.pid))

        world.once(lock_wait=0.0)
    finally:
        other.kill()
        other.wait()

    assert server.reasons() == ["package_manager_locked"]
    assert (world.version(), world.ledger()) == ("1.0", [])


@pytest.mark.parametrize(
    ("kind", "said", "required"),
    [
        (Dnf, "Core libraries or services have been updated:\n\nReboot is required to fully utilize these.", True),
        (Dnf, "No such command: needs-restarting.", False),
        (Dnf, None, False),
        (Zypper, "Core libraries or services have been updated.\nReboot is required to ensure that your system", True),
        (Zypper, "Unknown command 'needs-rebooting'", False),
        (Zypper, None, False),
    ],
)
def test_reboot_required__of_the_machine_itself__is_what_its_package_manager_says(
    monkeypatch: pytest.MonkeyPatch, kind: type[Dnf] | type[Zypper], said: str | None, required: bool
):
    asked = []

    def ask(self: object, command: list[str], **_: object) -> str:
        asked.append(command)
        if said is not None:
            raise PackageManagerFailed(said)
        return ""

    monkeypatch.setattr(kind, "ask", ask)

    assert kind(Host()).reboot_required() is required
    assert [command[0] for command in asked] == [kind.name]


@pytest.mark.parametrize(
    ("kind", "mark"), [(Dnf, "reboot-required"), (Zypper, "reboot-needed"), (Apt, "reboot-required")]
)
def test_reboot_required__mark_below_the_hosts_root__is_believed(
    tmp_path: Path, kind: type[Apt] | type[Dnf] | type[Zypper], mark: str
):
    provider = kind(Host(tmp_path))
    before = provider.reboot_required()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / mark).touch()

    assert (before, provider.reboot_required()) == (False, True)


@pytest.mark.parametrize(("kind", "good"), [(Apt, [0]), (Dnf, [0]), (Zypper, [0, 102, 103])])
def test_is_done__exit_codes__are_those_of_the_package_manager(kind: type[Apt] | type[Zypper], good: list[int]):
    provider = kind(Host())

    assert [code for code in (0, 1, 7, 100, 102, 103, 104, 107) if provider.is_done(code)] == good
    assert not provider.is_done(None)


def test_provider__dnf_and_zypper_on_one_host__the_distribution_decides(tmp_path: Path):
    skip_without("dnf")
    skip_without("zypper")
    for name in ("etc/zypp/repos.d", "etc/dnf"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/dnf/dnf.conf").touch()
    found = []
    for like in ("ID=fedora", 'ID="opensuse-leap"\nID_LIKE="suse opensuse"'):
        (tmp_path / "etc/os-release").write_text(like + "\n")
        provider = provider_of(Host(tmp_path))
        found.append(provider and provider.name)

    assert found == ["dnf", "zypper"]


@pytest.mark.parametrize("package", ["-oDebug=1", "../acme", "acme app", ""])
def test_install__name_that_could_be_an_option__is_unsupported(world: World, server: Server, package: str):
    server.offer(patch_step(1, package, "2.0"))

    world.once()

    assert server.reasons() == ["unsupported"]

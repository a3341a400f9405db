"""docker-compose.yml and Dockerfile are checked here, because not everybody who changes a setting runs Docker."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from embedded.files import ROOT
from embedded.programs import programs

OURS = {"migrate", "web", "worker", "signer", "beat", "relay"}
THEIRS = {"postgres", "broker", "mail"}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# How settings read a variable: os.environ.get("X"), os.environ["X"], _list("X"), _flag("X").
READ = re.compile(r"""(?:environ\.get\(|environ\[|_list\(|_flag\()\s*["']([A-Z_]+)["']""")


def example() -> dict[str, str]:
    """The variables of .env.example."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_services__are__the_ones_we_know():
    assert set(SERVICES) == OURS | THEIRS


@pytest.mark.parametrize("name", sorted(OURS))
def test_environment__each_variable__is_read_by_settings(name):
    read = set(READ.findall((ROOT / "config" / "settings.py").read_text()))

    assert set(SERVICES[name]["environment"]) <= read


def test_environment__values_from_outside__stand_in_the_example():
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert used == set(example())


def test_environment__secrets__have_no_default():
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{([A-Z_]+)(:[^}]*)?\}", text)

    secret = {(name, rest[:2]) for name, rest in uses if re.search("PASSWORD|SECRET", name)}

    assert {kind for _, kind in secret} == {":?"}


def test_manifest_key__is_given__to_the_signer_alone():
    knows = {name for name in OURS if SERVICES[name]["environment"]["MANIFEST_KEY_SECRET"]}

    assert knows == {"signer"}


def test_roles__each_process__has_its_own():
    users = {name: re.search("//([a-z_]+):", SERVICES[name]["environment"]["DATABASE_URL"])[1] for name in OURS}
    owners = {name for name in OURS if "DATABASE_OWNER_URL" in SERVICES[name]["environment"]}

    assert users == dict.fromkeys(OURS, "patch_worker") | {"web": "patch_web", "signer": "patch_signer"}
    assert owners == {"migrate"}


@pytest.mark.parametrize("name", sorted(OURS - {"web"}))
def test_commands__exist(name):
    program, *arguments = SERVICES[name]["command"]

    assert shutil.which(program, path=Path(sys.executable).parent)
    if arguments[0] == "manage.py":
        assert (ROOT / "manage.py").exists()
        assert list(ROOT.glob(f"*/management/commands/{arguments[1]}.py"))


def test_queues__are_served__as_on_one_machine():
    def queues(command) -> list[str]:
        return [value for option, value in pairwise(command) if option == "--queues"]

    here = {program.name: queues(program.command) for program in programs(env={"DATABASE_URL": "x"}, port=1)}

    assert {name: queues(SERVICES[name]["command"]) for name in ("worker", "signer")} == {
        name: here[name] for name in ("worker", "signer")
    }


def test_queues__of_all_tasks__are_served():
    commands = [program.command for program in programs(env={"DATABASE_URL": "x"}, port=1)]
    served = {
        queue
        for one in commands
        for option, value in pairwise(one)
        if option == "--queues"
        for queue in value.split(",")
    }

    assert {route["queue"] for route in settings.TASK_ROUTES.values()} <= served


def test_volumes__files_of_ours__exist():
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [source for source in mounted if source.startswith(".")]

    assert files == ["./embedded/roles.sql"]
    assert all((ROOT / source).is_file() for source in files)
    assert {source for source in mounted if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_health__of_whom_others_wait_for__is_checked():
    waited_for = {
        name
        for service in SERVICES.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }

    assert waited_for == {"postgres", "broker"}
    assert all("test" in SERVICES[name]["healthcheck"] for name in waited_for | {"web", "worker", "signer", "mail"})


def test_ports__are_open__to_this_machine_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images__have__a_version():
    images = [SERVICES[name]["image"] for name in THEIRS] + re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert all(re.search(r":v?\d", image) for image in images)


def test_dockerfile__runs__as_nobody_special_from_locked_packages():
    last_stage = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]

    assert re.search(r"^USER (?!0|root)\d+:\d+$", last_stage, re.MULTILINE)
    assert "--require-hashes --requirement /requirements.lock" in DOCKERFILE
    assert 'CMD ["granian"' in last_stage


def test_dockerignore__lets_in__every_package_that_runs():
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    not_run = {"tests", "demo", "benchmarks", "chaos", "fuzz", "hostagent"}

    packages = {found.parent.name for found in ROOT.glob("*/__init__.py")} - not_run

    assert packages | {"manage.py", "requirements.lock"} <= let_in


def test_make_env__fills__every_empty_value():
    done = subprocess.run([ROOT / "scripts" / "make-env"], capture_output=True, text=True, check=True)

    made = dict(line.split("=", 1) for line in done.stdout.splitlines() if line and not line.startswith("#"))
    secrets = [value for name, value in made.items() if not example()[name]]
    assert made.keys() == example().keys()
    assert len(set(secrets)) == len(secrets) == 9
    assert all(len(value) >= 43 for value in secrets)


def has_compose() -> bool:
    """Whether Docker's client knows compose; it needs no engine for what we ask."""
    asked = ["docker", "compose", "version"]
    return bool(shutil.which("docker")) and subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="no docker compose here")
def test_compose__own_client__accepts_the_file(tmp_path):
    filled = tmp_path / "env"
    filled.write_text(
        subprocess.run([ROOT / "scripts" / "make-env"], capture_output=True, text=True, check=True).stdout
    )
    command = ["docker", "compose", "--file", ROOT / "docker-compose.yml", "--env-file", filled, "config", "--quiet"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

"""Servers for a command: found, started, shared, and gone with the last one that used them."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest

from embedded import environment, keeper, postgres
from embedded.files import ROOT, read_json
from tests.embedded.tools import (
    EMBEDDED,
    all_gone,
    clean_env,
    connect,
    descendants,
    packages,
    python_for,
    query,
    run,
    servers,
    using_servers,
    wait_until,
)

# One whom /etc/passwd knows, and one whom it does not, as in containers that run under a random user.
SOMEBODIES = [65534, 23456]
ALL_GIVEN = {
    "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a",
    "JWT_SECRET": "b",
    "MANIFEST_KEY_SECRET": "",
}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder whose servers run while this module's tests do."""
    folder = tmp_path_factory.mktemp("servers") / "data"
    with using_servers(folder):
        yield folder


def test_exec__fresh_folder__gives_a_complete_environment(tmp_path):
    done = run(
        tmp_path / "data", *EMBEDDED, "exec", sys.executable, "-c", "import json, os; print(json.dumps({**os.environ}))"
    )

    given = json.loads(done.stdout)
    assert given["DEPLOYMENT_MODE"] == "development"
    assert given["DATABASE_URL"].startswith("postgresql://patch_worker:")
    assert given["DATABASE_OWNER_URL"].startswith("postgresql://patch_owner:")
    assert given["DATABASE_SIGNER_URL"].startswith("postgresql://patch_signer:")
    assert given["BROKER_URL"].endswith("/0")
    assert given["REDIS_URL"].endswith("/1")
    assert all(len(given[name]) >= 40 for name in environment.SECRETS)
    assert done.stderr.count("\n") == 1


def test_exec__last_user_ends__servers_end(tmp_path):
    with using_servers(tmp_path):
        pids = [*servers(tmp_path).values(), read_json(tmp_path / keeper.STATE)["keeper"]]
        assert not all_gone(pids)

    wait_until(lambda: all_gone(pids))


def test_exec__two_at_once__share_one_server(tmp_path):
    show = ["sh", "-c", 'sleep 0.5; cat "$DATA_DIR/servers.json"']
    both = [
        subprocess.Popen(
            [*EMBEDDED, "exec", *show],
            env=clean_env(tmp_path),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]

    (out, err), (other_out, other_err) = [one.communicate(timeout=60) for one in both]

    assert json.loads(out) == json.loads(other_out)
    assert (err + other_err).count(b"Started embedded") == 1


def test_exec__first_user_ends__second_keeps_the_servers(tmp_path):
    with using_servers(tmp_path):
        with using_servers(tmp_path):
            before = servers(tmp_path)
        after_first = query(tmp_path, "SELECT 1")

        assert after_first == [(1,)]
        assert servers(tmp_path) == before


def test_postgres__killed__comes_back_with_every_committed_row(data_dir):
    query(data_dir, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    killed = servers(data_dir)["postgres"]

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: servers(data_dir)["postgres"] != killed and answers(data_dir))
    assert query(data_dir, "SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]


def test_keeper__killed__next_command_starts_anew_with_every_row(tmp_path):
    with using_servers(tmp_path):
        query(tmp_path, "CREATE TABLE kept AS SELECT 1 AS n")
        pids = servers(tmp_path).values()
        os.kill(read_json(tmp_path / keeper.STATE)["keeper"], signal.SIGKILL)
        wait_until(lambda: all_gone(pids))

        with using_servers(tmp_path):
            assert query(tmp_path, "SELECT n FROM kept") == [(1,)]


def answers(data_dir: Path) -> bool:
    try:
        connect(data_dir).close()
    except psycopg2.OperationalError:
        return False
    return True


@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgres__wrong_password__is_refused(data_dir, password):
    url = environment.values(data_dir, keeper.NAMES)["DATABASE_URL"]
    parts = psycopg2.extensions.parse_dsn(url)

    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(**{**parts, "password": password}, passfile="/dev/null")


def test_postgres__passwords__are_kept_as_scram(data_dir):
    superuser = postgres.Postgres(data_dir=data_dir, secrets=json.loads((data_dir / "secrets.json").read_text()))

    connection = superuser.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT split_part(rolpassword, '$', 1) FROM pg_authid WHERE rolpassword IS NOT NULL")
        kinds = cursor.fetchall()
    connection.close()

    assert kinds == [("SCRAM-SHA-256",)]


def test_broker__no_password__is_refused(data_dir):
    port = read_json(data_dir / keeper.STATE)["servers"]["broker"]["port"]

    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        answer = connection.recv(100)

    assert answer.startswith(b"-NOAUTH")


@pytest.mark.parametrize("name", ["postgres", "broker"])
def test_servers__listen__on_loopback_alone(data_dir, name):
    port = read_json(data_dir / keeper.STATE)["servers"][name]["port"]
    tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]

    listening = [row.split()[1] for table in tables for row in table.splitlines()[1:] if row.split()[3] == "0A"]

    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_files__secret_ones__are_for_their_owner_alone(data_dir):
    names = ("", "secrets.json", "broker/valkey.conf", "logs", "logs/postgres.log")
    # As root without user namespaces the cluster lies elsewhere.
    cluster = postgres.Postgres(data_dir=data_dir, secrets=read_json(data_dir / "secrets.json")).cluster
    paths = {name: data_dir / name for name in names} | {"cluster": cluster}

    modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in paths.items()}

    assert modes == {
        "": 0o700,
        "secrets.json": 0o600,
        "broker/valkey.conf": 0o600,
        "logs": 0o700,
        "logs/postgres.log": 0o600,
        "cluster": 0o700,
    }


def test_files__passwords__are_in_no_argument_list(data_dir):
    keeper_pid = read_json(data_dir / keeper.STATE)["keeper"]
    secrets = [value.encode() for value in read_json(data_dir / "secrets.json").values()]

    arguments = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (keeper_pid, *descendants(keeper_pid)))

    assert b"postgres" in arguments
    assert not [secret for secret in secrets if secret in arguments]


def test_secrets__second_start__are_the_same(tmp_path):
    first = run(tmp_path, *EMBEDDED, "exec", "--no-servers", "sh", "-c", "echo $SECRET_KEY $DATABASE_URL")
    second = run(tmp_path, *EMBEDDED, "exec", "--no-servers", "sh", "-c", "echo $SECRET_KEY $DATABASE_URL")

    assert first.stdout == second.stdout
    assert first.stderr == second.stderr == ""


def test_prepare__broker_given__is_respected(tmp_path):
    done = run(
        tmp_path,
        *EMBEDDED,
        "exec",
        "sh",
        "-c",
        "echo $BROKER_URL; cat $DATA_DIR/servers.json",
        BROKER_URL="redis://mine/3",
    )

    url, _, state = done.stdout.partition("\n")
    assert url == "redis://mine/3"
    assert list(json.loads(state)["servers"]) == ["postgres"]


@pytest.mark.parametrize(
    "given", [{"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, {"DEPLOYMENT_MODE": "production"}, ALL_GIVEN]
)
def test_prepare__operator_has_spoken__touches_nothing(tmp_path, given):
    environ = dict(given)

    environment.prepare(data_dir=tmp_path / "data", environ=environ)

    assert environ == given
    assert not (tmp_path / "data").exists()


def test_prepare__empty_secret__stays_empty(tmp_path):
    environ = {**ALL_GIVEN, "DEPLOYMENT_MODE": "development"}
    del environ["JWT_SECRET"]

    environment.prepare(data_dir=tmp_path / "data", environ=environ)

    assert environ["MANIFEST_KEY_SECRET"] == ""
    assert environ["JWT_SECRET"]


@root_only
@pytest.mark.parametrize("somebody", SOMEBODIES)
def test_exec__as_somebody_else__works_too(somebody):
    python = python_for(somebody)
    if python is None:
        pytest.skip("no Python 3.11 here that another user may run")
    if not (postgres.has_name(somebody) or postgres.succeeds([*postgres.IN_NAMESPACE, "true"])):
        pytest.skip("user namespaces are refused here, and initdb wants a user that the machine knows")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    os.chown(folder, somebody, somebody)
    become = ("setpriv", f"--reuid={somebody}", f"--regid={somebody}", "--clear-groups")

    ask = "import os, psycopg2; print(psycopg2.connect(os.environ['DATABASE_URL']).info.user)"
    env = {"PYTHONPATH": packages(), "PATH": os.defpath}

    try:
        with using_servers(folder, before=become, python=python, **env):
            pids = servers(folder).values()
            owners = {Path(f"/proc/{pid}").stat().st_uid for pid in pids}
            answer = run(folder, *become, python, "-m", "embedded", "exec", python, "-c", ask, **env)
        wait_until(lambda: all_gone(pids))
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    assert owners == {somebody}
    assert (answer.stdout, answer.stderr) == ("patch_worker\n", "")


@root_only
def test_exec__root_without_namespaces__steps_down(tmp_path):
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    folder = tmp_path / "data"
    where = postgres.STEPPED_DOWN
    before = set(where.iterdir()) if where.exists() else set()

    try:
        with using_servers(folder, PATH=f"{refusing.parent}:{os.environ['PATH']}"):
            pids = servers(folder).values()
            owner = Path(f"/proc/{servers(folder)['postgres']}").stat().st_uid
            assert query(folder, "SELECT current_user") == [("patch_owner",)]
        wait_until(lambda: all_gone(pids))
        # A new folder in the old one's place has other passwords than the cluster under /var/lib.
        shutil.rmtree(folder)
        with using_servers(folder, PATH=f"{refusing.parent}:{os.environ['PATH']}"):
            pids = servers(folder).values()
            assert query(folder, "SELECT current_user") == [("patch_owner",)]
        wait_until(lambda: all_gone(pids))
    finally:
        for made in set(where.iterdir()) - before:
            shutil.rmtree(made)

    assert owner == postgres.NOBODY

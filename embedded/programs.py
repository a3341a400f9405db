"""Our own processes: with what command each is started, and which secrets each may see."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from embedded.ports import LOOPBACK

# What only some processes may know. Empty rather than absent: `environment.prepare` fills in what is absent.
PRIVILEGED = ("DATABASE_OWNER_URL", "DATABASE_SIGNER_URL", "DATABASE_WEB_URL", "MANIFEST_KEY_SECRET")
WEB_WORKERS = 2
WEB_THREADS = 8
# No chatter between workers that nobody reads; one connection and a few megabytes less each.
QUIET_WORKER = ("--without-gossip", "--without-mingle", "--prefetch-multiplier", "1", "--loglevel", "INFO")


@dataclass(frozen=True)
class Program:
    """One process of the service."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]


def programs(*, env: Mapping[str, str], port: int) -> list[Program]:
    """All of them, in the order in which they start.

    :param env: a complete environment, as ``environment.prepare`` leaves it.
    """
    base = unprivileged(env)
    web = base | {"DATABASE_URL": env.get("DATABASE_WEB_URL") or env["DATABASE_URL"]}
    # The signer alone can unseal the customers' signing keys.
    signer = base | {
        "DATABASE_URL": env.get("DATABASE_SIGNER_URL") or env["DATABASE_URL"],
        "MANIFEST_KEY_SECRET": env.get("MANIFEST_KEY_SECRET", ""),
    }
    return [
        Program("web", web_command(port), web),
        Program("worker", worker("worker", "schedule,orchestrate,notify,report", "--concurrency", "3"), base),
        Program("signer", worker("signer", "sign", "--pool", "solo"), signer),
        Program("relay", manage("relay"), base),
        Program("beat", celery("beat", "--loglevel", "INFO"), base),
    ]


def unprivileged(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without what only some may know; ``DATABASE_URL`` is a worker's."""
    return {**env, **dict.fromkeys(PRIVILEGED, ""), "PYTHONUNBUFFERED": "1"}


def web_command(port: int) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", str(port)),
        *("--workers", str(WEB_WORKERS), "--respawn-failed-workers", "--workers-kill-timeout", "5"),
        # Each thread keeps a database connection: what may be open is 16 for the web, while 128 requests may wait.
        *("--blocking-threads", str(WEB_THREADS), "--backpressure", "64"),
        *("--no-ws", "--log-level", "warning", "config.wsgi:application"),
    )


def worker(name: str, queues: str, *options: str) -> tuple[str, ...]:
    return celery("worker", "--queues", queues, "--hostname", f"{name}@%h", *QUIET_WORKER, *options)


def celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "config.celery", *arguments)


def manage(*arguments: str) -> tuple[str, ...]:
    """A command of manage.py."""
    return (sys.executable, "manage.py", *arguments)

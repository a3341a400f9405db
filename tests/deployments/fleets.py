"""Machines that ask for work and do it over HTTP, and the workers that follow: for tests of runs in waves."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from config.celery import app
from core.customer_context import acting_for
from core.models import Message
from deployments import services
from deployments.models import HostTask, Run
from tests import factories
from tests.agents.endpoints import AT, Endpoint, endpoint
from tests.factories import Person
from tests.tenants import worlds


def fleet(ada: Person, many: int) -> list[Endpoint]:
    """So many machines with their agents."""
    return [endpoint(ada) for _ in range(many)]


def begun(ada: Person, hosts: Iterable[Endpoint], rollout: Any, **changes: Any) -> Run:
    """A run of a script in waves on these machines, from now on for ten hours."""
    window = {"timeout": 10, "timeoutUnit": "HOURS"}
    return worlds.running(
        ada,
        *(host.asset for host in hosts),
        rollout=rollout,
        preDeployActions=[factories.script()],
        **window | changes,
    )


def task_of(run: Run, host: Endpoint) -> HostTask:
    """The machine's share, as it is now."""
    with acting_for(run.customer_id):
        return HostTask.objects.select_related("run", "asset").get(run=run, asset=host.asset)


def in_wave(run: Run, hosts: Iterable[Endpoint], wave: int) -> list[Endpoint]:
    """Those of the machines that are in a wave."""
    return [host for host in hosts if task_of(run, host).wave == wave]


def asks(run: Run, host: Endpoint) -> bool:
    """The machine asks for work. Whether it got this run's."""
    answer = host.check_in()
    assert answer.status_code == 200, answer.content
    return task_of(run, host).state == "Leased"


def asking(run: Run, hosts: Iterable[Endpoint]) -> list[Endpoint]:
    """All of the machines ask for work; those that got this run's."""
    return [host for host in hosts if asks(run, host)]


def ends(run: Run, host: Endpoint, *, well: bool = True) -> None:
    """The machine, which has its work, does it and reports, well or not; then the workers do theirs."""
    script: dict[str, Any] = {"state": "succeeded", "reason": "done"}
    if not well:
        script = {"state": "failed", "reason": "nonzero_exit", "exitCode": 1}
    scan = worlds.scan()
    scan["machine"] |= {"name": host.asset.name, "osIdentifier": host.asset.os_identifier}
    done = {"kind": "step_finished", "state": "succeeded", "reason": "done"}
    told: list[dict[str, Any]] = [
        {"kind": "accepted"},
        {"kind": "step_finished", "number": 1, **script},
        {"kind": "scanned", "scan": scan},
        {**done, "number": 2},
        {"kind": "finished"},
    ]
    reports = [{"sequence": sequence, "at": AT, **one} for sequence, one in enumerate(told, start=1)]
    answer = host.report(task_of(run, host), reports)
    assert answer.status_code == 200, answer.content
    settle(run)


def restarts(run: Run, host: Endpoint) -> None:
    """The machine asks for its work, and says that it restarts now."""
    assert asks(run, host)
    told: list[dict[str, Any]] = [{"kind": "accepted"}, {"kind": "rebooting", "number": 1}]
    reports = [{"sequence": sequence, "at": AT, **one} for sequence, one in enumerate(told, start=1)]
    assert host.report(task_of(run, host), reports).status_code == 200


def does(run: Run, *hosts: Endpoint, well: bool = True) -> None:
    """Each machine asks for its work, gets it, and does it."""
    for host in hosts:
        assert asks(run, host)
        ends(run, host, well=well)


def settle(run: Run) -> None:
    """What the workers do of what is in the outbox for the run, but for mails and signatures."""
    app.loader.import_default_modules()
    for message in _due(run):
        app.tasks[message.task](message.customer_id, message.pk)


def _due(run: Run) -> list[Message]:
    with acting_for(run.customer_id):
        wanted = Message.objects.filter(task__in=["deployments.advance_run", "deployments.close_run", "agents.wake"])
        return list(wanted.order_by("pk"))


def sweeps(run: Run, at: datetime) -> None:
    """The sweep comes by at a time, and the workers after it."""
    services.sweep(at=at)
    settle(run)


def shown(ada: Person, run: Run) -> Any:
    """The run as clients read it."""
    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/{run.instance}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def change(who: Person, run: Run, what: str) -> Any:
    """Somebody pauses, resumes or cancels it."""
    return who.post(f"deploymentjob/{run.job.public_id}/runs/{run.instance}/{what}")


def wave_states(ada: Person, run: Run) -> list[str]:
    """How its waves stand, in order."""
    return [wave["state"] for wave in shown(ada, run)["rollout"]["waves"]]

"""Waves of a run: who gets work, when the next wave opens, and how many are at work at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import hints
from core.customer_context import acting_for
from core.models import Event
from deployments import services
from deployments.models import HostTask, Run, RunWave
from inventory.models import Asset
from tests import factories
from tests.agents.endpoints import Endpoint
from tests.deployments.fleets import (
    asking,
    asks,
    begun,
    change,
    does,
    ends,
    fleet,
    in_wave,
    restarts,
    settle,
    shown,
    sweeps,
    task_of,
    wave_states,
)
from tests.factories import Person

CANARY = {"waves": [{"count": 1}]}
SOAKED = {"waves": [{"count": 1, "soakMinutes": 30}]}


def soon(**time: float) -> Any:
    return timezone.now() + timedelta(**time)


def _explained(ada: Person, run: Run, host: Endpoint) -> tuple[str, str]:
    path = f"deploymentjob/{run.job.public_id}/runs/{run.instance}/explain?assetId={host.asset.public_id}"
    answer = ada.get(path).json()
    return answer["reason"], answer["rules"][-1]["found"]


# --- one after the other ----------------------------------------------------------------------------------------------


def test_waves__all_ask__only_the_open_wave_gets_work(ada: Person) -> None:
    hosts = fleet(ada, 4)
    run = begun(ada, hosts, CANARY)

    assert asking(run, hosts) == in_wave(run, hosts, 1)
    assert wave_states(ada, run) == ["Open", "Waiting"]


def test_waves__last_host_of_a_wave_ends__the_next_opens_at_once_and_its_agents_are_woken(ada: Person) -> None:
    hosts = fleet(ada, 4)
    run = begun(ada, hosts, CANARY)
    (canary,) = in_wave(run, hosts, 1)
    others = in_wave(run, hosts, 2)
    Asset.objects.update(scanned_at=timezone.now())
    assert asking(run, others) == []
    assert all(hints.is_idle(digest=host.agent.credential_digest) for host in others)

    does(run, canary)
    settle(run)

    assert wave_states(ada, run) == ["Closed", "Open"]
    assert not any(hints.is_idle(digest=host.agent.credential_digest) for host in others)
    assert asking(run, others) == others


def test_waves__one_of_two_hosts_has_ended__the_next_stays_shut(ada: Person) -> None:
    hosts = fleet(ada, 4)
    run = begun(ada, hosts, {"waves": [{"count": 2}]})

    does(run, in_wave(run, hosts, 1)[0])
    sweeps(run, soon(minutes=1))

    assert wave_states(ada, run) == ["Open", "Waiting"]


def test_waves__soak_time__passes_before_the_next_opens(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, SOAKED)
    does(run, *in_wave(run, hosts, 1))

    sweeps(run, soon(minutes=29))
    soaking = shown(ada, run)["rollout"]["waves"]
    assert asking(run, in_wave(run, hosts, 2)) == []
    sweeps(run, soon(minutes=31))

    assert [wave["state"] for wave in soaking] == ["Soaking", "Waiting"]
    assert soaking[0]["soakEndDateTime"] - soaking[0]["endDateTime"] == 30 * 60 * 1000
    assert (soaking[0]["number"], soaking[0]["of"], soaking[0]["counts"]) == (1, 2, {"Succeeded": 1})
    assert wave_states(ada, run) == ["Closed", "Open"]


def test_waves__all_have_ended__so_has_the_run(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"waves": [{"count": 1}, {"count": 1}]})
    for wave in (1, 2, 3):
        does(run, *in_wave(run, hosts, wave))

    assert shown(ada, run)["state"] == "Completed"
    assert wave_states(ada, run) == ["Closed"] * 3
    kinds = Event.objects.filter(run_id=run.pk, kind="wave.open").order_by("pk")
    assert [event.data["number"] for event in kinds] == [2, 3]


def test_waves__host_is_lost__nobody_waits_for_it_and_it_may_go_on(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, CANARY)
    (canary,) = in_wave(run, hosts, 1)
    assert asks(run, canary)

    sweeps(run, soon(minutes=3))
    assert (task_of(run, canary).state, wave_states(ada, run)) == ("Lost", ["Closed", "Open"])
    ends(run, canary)

    assert task_of(run, canary).state == "Succeeded"


def test_waves__host_silent_after_its_restart__is_lost_once_a_restart_takes_no_longer(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, CANARY)
    (canary,) = in_wave(run, hosts, 1)
    restarts(run, canary)

    sweeps(run, soon(minutes=25))
    before = task_of(run, canary).state
    sweeps(run, soon(minutes=33))

    assert (before, task_of(run, canary).state) == ("AwaitingReboot", "Lost")
    assert wave_states(ada, run) == ["Closed", "Open"]


def test_waves__run_is_paused__none_opens_until_it_goes_on(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, CANARY)
    (canary,) = in_wave(run, hosts, 1)
    assert asks(run, canary)
    change(ada, run, "pause")

    ends(run, canary)
    sweeps(run, soon(seconds=5))
    paused = wave_states(ada, run)
    change(ada, run, "resume")
    sweeps(run, soon(seconds=10))

    assert (paused, wave_states(ada, run)) == (["Open", "Waiting"], ["Closed", "Open"])


def test_waves__run_is_canceled__the_others_are_skipped(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"waves": [{"count": 1}, {"count": 1}]})

    change(ada, run, "cancel")

    assert wave_states(ada, run) == ["Closed", "Skipped", "Skipped"]
    assert shown(ada, run)["counts"] == {"Canceled": 3}


# --- windows ----------------------------------------------------------------------------------------------------------


def test_windows__wave_never_opened__its_hosts_are_missed_with_that_reason(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, CANARY, timeout=6)
    (canary,) = in_wave(run, hosts, 1)
    others = in_wave(run, hosts, 2)

    sweeps(run, soon(hours=4, minutes=-1))
    assert asks(run, canary)
    # Beyond the four hours within which a host must have begun by default: that counts from the wave's opening.
    Run.objects.filter(pk=run.pk).update(state="Paused")
    sweeps(run, soon(hours=4, minutes=1))
    Run.objects.filter(pk=run.pk).update(state="Running")
    assert {task_of(run, host).state for host in others} == {"Pending"}
    sweeps(run, soon(hours=6, minutes=1))

    assert {task_of(run, host).reason for host in others} == {"wave_not_opened"}


def test_windows__wave_opens_late__how_late_its_hosts_may_begin_counts_from_then(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, SOAKED, missedRunWithin="PT1H")
    does(run, *in_wave(run, hosts, 1))
    (other,) = in_wave(run, hosts, 2)

    opened = soon(hours=3)
    sweeps(run, opened)
    before = task_of(run, other)
    sweeps(run, opened + timedelta(minutes=61))

    assert before.start_before == opened + timedelta(hours=1)
    assert task_of(run, other).reason == "host_away"


def test_windows__first_wave_has_no_hosts__the_second_is_open_and_its_start_counts_at_once(ada: Person) -> None:
    hosts = fleet(ada, 2)
    nobody = factories.tag(ada.customer, "nobody")
    waves = [{"tagIds": [str(nobody.public_id)]}, {"count": 1}]
    run = begun(ada, hosts, {"waves": waves}, missedRunWithin="PT1H")
    (first,), (last,) = in_wave(run, hosts, 2), in_wave(run, hosts, 3)

    assert wave_states(ada, run) == ["Open", "Waiting"]
    assert task_of(run, first).start_before - run.scheduled_for == timedelta(hours=1)
    assert task_of(run, last).start_before == run.deadline
    assert asking(run, hosts) == [first]


def test_windows__away_host_of_a_wave__is_missed_and_the_next_wave_opens(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, CANARY, missedRunWithin="PT1H")

    sweeps(run, soon(minutes=61))

    assert {task_of(run, host).state for host in in_wave(run, hosts, 1)} == {"Missed"}
    assert wave_states(ada, run) == ["Closed", "Open"]


# --- so many at once --------------------------------------------------------------------------------------------------


def test_limit__as_many_as_may_are_at_work__the_others_wait_for_a_place(ada: Person) -> None:
    hosts = fleet(ada, 5)
    run = begun(ada, hosts, {"maxConcurrent": 2})

    working = asking(run, hosts)
    assert working == hosts[:2]
    ends(run, working[0])

    hints.forget_all()
    assert asking(run, hosts[2:]) == [hosts[2]]
    assert _explained(ada, run, hosts[4])[0] == "waits_for_place"


def test_limit__lost_host__takes_no_place(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, {"maxConcurrent": 1})
    assert asking(run, hosts) == hosts[:1]

    sweeps(run, soon(minutes=3))
    hints.forget_all()

    assert asks(run, hosts[1])


def test_limit__host_came_in_time_and_found_no_place__waits_on_until_its_window_closes(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, {"maxConcurrent": 1}, timeout=2, missedRunWithin="PT30M")
    working, waits = asking(run, hosts)[0], hosts[1]
    task = task_of(run, working)

    for minutes in (31, 120):
        # Both are there all the time.
        Asset.objects.update(last_contact_at=soon(minutes=minutes - 1))
        HostTask.objects.filter(pk=task.pk).update(lease_until=soon(minutes=minutes + 2))
        sweeps(run, soon(minutes=minutes, seconds=10))
        if minutes == 31:
            assert task_of(run, waits).state == "Pending"

    assert task_of(run, waits).reason == "no_room"


def test_limit__host_that_never_came__misses_its_start_all_the_same(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, {"maxConcurrent": 1}, missedRunWithin="PT30M")
    assert asks(run, hosts[0])

    sweeps(run, soon(minutes=31))

    assert task_of(run, hosts[1]).reason == "host_away"


def test_limit__other_run_of_the_host_is_free__is_handed_out_instead(ada: Person) -> None:
    hosts = fleet(ada, 2)
    full = begun(ada, hosts, {"maxConcurrent": 1})
    other = begun(ada, hosts[1:], None)
    assert asks(full, hosts[0])

    assert asks(other, hosts[1])


def test_limit__many_check_in_at_once__never_more_are_at_work(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = [factories.asset(ada.customer) for _ in range(12)]
    with acting_for(ada.customer.pk):
        job = factories.job(
            ada,
            rollout={"maxConcurrent": 3},
            preDeployActions=[factories.script()],
            assetIds=[str(host.public_id) for host in hosts],
        )
        now = timezone.now()
        run = services.open_run(job=services.lock(job), trigger="user", scheduled_for=now, at=now)
        services.resolve(run_id=run.pk, at=now)

    def ask(host: Asset) -> bool:
        with acting_for(ada.customer.pk):
            return services.hand_out(asset=host, at=timezone.now()) is not None

    found = factories.at_once(ask, *hosts)

    assert sorted(map(str, found)) == ["False"] * 9 + ["True"] * 3
    with acting_for(ada.customer.pk):
        assert HostTask.objects.filter(state="Leased").count() == 3


@pytest.mark.parametrize("ends_at_once", [2, 3])
def test_waves__their_last_hosts_end_at_the_same_moment__the_next_opens_once(
    committed: None, ends_at_once: int
) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = fleet(ada, 6)
    run = begun(ada, hosts, {"waves": [{"count": ends_at_once}, {"count": 1}]})
    first = in_wave(run, hosts, 1)
    assert asking(run, first) == first

    def end(host: Endpoint) -> None:
        ends(run, host)

    assert factories.at_once(end, *first) == [None] * ends_at_once
    sweeps(run, soon(seconds=1))

    with acting_for(ada.customer.pk):
        assert list(RunWave.objects.order_by("number").values_list("state", flat=True)) == ["Closed", "Open", "Waiting"]
        assert Event.objects.filter(kind="wave.open").count() == 1


# --- what is told, and what it costs ----------------------------------------------------------------------------------


def test_explain__host_of_a_wave_that_is_shut__says_which_and_what_for(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, SOAKED)
    (canary,) = in_wave(run, hosts, 1)
    other = in_wave(run, hosts, 2)[0]

    code, found = _explained(ada, run, other)
    does(run, canary)
    soaking = _explained(ada, run, other)

    assert (code, found) == (
        "waits_for_wave",
        "The host is in wave 2 of 2; wave 1 is Open, and 1 of its hosts is to end.",
    )
    assert soaking[0] == "waits_for_wave"
    assert soaking[1].startswith("The host is in wave 2 of 2; wave 1 is Soaking, until 20")
    assert _explained(ada, run, canary)[0] == "verified"


def test_hosts__listed__show_their_waves(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, CANARY)

    rows = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/assets").json()
    one = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/assets/{hosts[0].asset.public_id}").json()

    assert sorted(row["wave"] for row in rows) == [1, 2, 2]
    assert one["wave"] == task_of(run, hosts[0]).wave


def test_run__without_a_rollout__shows_none(ada: Person) -> None:
    run = begun(ada, fleet(ada, 1), None)

    assert shown(ada, run)["rollout"] is None


def _cost(host: Endpoint) -> int:
    with CaptureQueriesContext(connection) as captured:
        services.hand_out(asset=host.asset, at=timezone.now())
    return len(captured)


def test_hand_out__of_a_shut_wave__costs_no_query_more_than_of_a_run_without_waves(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts[1:], CANARY)
    (shut,) = in_wave(run, hosts[1:], 2)

    assert _cost(shut) == _cost(hosts[0])


def test_hand_out__limit__costs_three_queries_more_however_many_hosts_there_are(ada: Person) -> None:
    free = fleet(ada, 1)
    begun(ada, free, None)
    plain = _cost(free[0])
    costs = []
    for many in (1, 12):
        hosts = fleet(ada, many)
        begun(ada, hosts, {"maxConcurrent": 20})
        costs.append(_cost(hosts[0]))

    # Whether there is a place, the lock, and whether there still is.
    assert costs == [plain + 3] * 2

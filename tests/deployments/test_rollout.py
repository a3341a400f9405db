"""The field `rollout`: what is refused and where, how it comes back, and which host would be in which wave."""

import random
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.models import HostTask, Job, JobTag, Run
from inventory import services as inventory
from inventory.models import Asset, Platform
from tests import factories
from tests.factories import NOW, Person

HALTS = {"haltOnFailurePercent": 30, "haltMinSample": 10}


def _said(rollout: Any) -> Any:
    """A rollout as it is answered."""
    keys = ("waves", "maxConcurrent", "haltOnFailurePercent", "haltMinSample")
    wave = {"percent": None, "count": None, "tagIds": None, "soakMinutes": 0}
    whole = dict.fromkeys(keys) | rollout
    return whole | {"waves": whole["waves"] and [wave | one for one in whole["waves"]]}


def _run(ada: Person, hosts: list[Asset], rollout: Any, **changes: Any) -> Run:
    """A resolved run of a script on these hosts."""
    work = {"preDeployActions": [factories.script()], "assetIds": [str(host.public_id) for host in hosts]}
    job = factories.job(ada, rollout=rollout, **work | changes)
    run = services.open_run(job=services.lock(job), trigger="user", scheduled_for=NOW, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)
    return Run.objects.get(pk=run.pk)


def _hosts(ada: Person, many: int, *tags: Any) -> list[Asset]:
    return [factories.asset(ada.customer, tags=tags) for _ in range(many)]


def _sizes(run: Run) -> dict[int | None, int]:
    return dict(Counter(HostTask.objects.filter(run=run).values_list("wave", flat=True)))


# --- the field --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rollout", "fields"),
    [
        ([{"percent": 10}], ["rollout"]),
        ({}, ["rollout"]),
        ({"waves": []}, ["rollout"]),
        ({"waves": [{}]}, ["rollout.waves[0]"]),
        ({"waves": [{"soakMinutes": 5}]}, ["rollout.waves[0]"]),
        ({"waves": [{"percent": 10, "count": 3}]}, ["rollout.waves[0]"]),
        ({"waves": [{"percent": 0}]}, ["rollout.waves[0].percent"]),
        ({"waves": [{"percent": 101}]}, ["rollout.waves[0].percent"]),
        ({"waves": [{"count": 0}, {"count": -1}]}, ["rollout.waves[0].count", "rollout.waves[1].count"]),
        ({"waves": [{"percent": 60}, {"percent": 41}]}, ["rollout.waves"]),
        ({"waves": [{"percent": 10, "soakMinutes": -1}]}, ["rollout.waves[0].soakMinutes"]),
        ({"waves": [{"percent": 10, "soakMinutes": 10_081}]}, ["rollout.waves[0].soakMinutes"]),
        ({"waves": [{"percent": 1}] * 21}, ["rollout.waves"]),
        ({"waves": [{"percent": 1, "soak": 3}]}, ["rollout.waves[0].soak"]),
        ({"maxConcurrent": 0}, ["rollout.maxConcurrent"]),
        ({"haltOnFailurePercent": 0}, ["rollout.haltOnFailurePercent"]),
        ({"haltOnFailurePercent": 101}, ["rollout.haltOnFailurePercent"]),
        ({"haltOnFailurePercent": 10, "haltMinSample": 0}, ["rollout.haltMinSample"]),
        ({"maxConcurrent": 5, "haltMinSample": 5}, ["rollout.haltOnFailurePercent"]),
    ],
)
def test_rollout__that_cannot_be_meant__is_refused_where_it_is_wrong(
    ada: Person, rollout: Any, fields: list[str]
) -> None:
    answer = ada.post("deploymentjob", factories.job_body(rollout=rollout))

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == fields
    assert not Job.objects.exists()


def test_rollout__soaks_longer_than_the_window__are_refused(ada: Person) -> None:
    waves = [{"percent": 10, "soakMinutes": 60}, {"percent": 20, "soakMinutes": 60}]
    fits, too_long = ({"timeout": hours, "timeoutUnit": "HOURS", "rollout": {"waves": waves}} for hours in (3, 2))

    assert ada.post("deploymentjob", factories.job_body(**fits)).status_code == 201
    answer = ada.post("deploymentjob", factories.job_body(**too_long))
    assert [one["field"] for one in answer.json()["errors"]] == ["rollout.waves"]


def test_rollout__tag_of_nobody_or_of_another__is_refused_at_its_place(ada: Person) -> None:
    mine, foreign = factories.tag(ada.customer, "mine"), factories.tag(factories.stranger().customer, "theirs")
    waves = [{"tagIds": [str(mine.public_id)]}, {"tagIds": [str(mine.public_id), str(foreign.public_id)]}]

    answer = ada.post("deploymentjob", factories.job_body(rollout={"waves": waves}))

    assert {one["field"]: one["code"] for one in answer.json()["errors"]} == {
        "rollout.waves[1].tagIds[0]": "excludes",
        "rollout.waves[1].tagIds[1]": "unknown_id",
    }


def test_rollout__stored__comes_back_whole_and_can_be_sent_again(ada: Person) -> None:
    tag = factories.tag(ada.customer, "canary")
    sent = {
        "waves": [{"tagIds": [str(tag.public_id)], "soakMinutes": "30"}, {"percent": 10.0}, {"count": "5"}],
        "maxConcurrent": "50",
        **HALTS,
    }
    waves = [{"tagIds": [str(tag.public_id)], "soakMinutes": 30}, {"percent": 10}, {"count": 5}]

    made = ada.post("deploymentjob", factories.job_body(rollout=sent)).json()
    again = ada.put(f"deploymentjob/{made['id']}", factories.job_body(rollout=made["rollout"])).json()

    assert made["rollout"] == again["rollout"] == _said({"waves": waves, "maxConcurrent": 50, **HALTS})


def test_rollout__job_is_copied__is_copied_with_the_tags_that_it_names(ada: Person) -> None:
    tag = factories.tag(ada.customer, "canary")
    job = factories.job(ada, rollout={"waves": [{"tagIds": [str(tag.public_id)]}]})

    copy = ada.post(f"deploymentjob/{job.public_id}/clone").json()

    assert copy["rollout"] == _said({"waves": [{"tagIds": [str(tag.public_id)]}]})
    assert JobTag.objects.filter(job__public_id=copy["id"], tag=tag, part="wave").exists()


def test_rollout__patched__merges_and_null_takes_it_away(ada: Person) -> None:
    job = ada.post("deploymentjob", factories.job_body(rollout={"waves": [{"count": 1}], **HALTS})).json()
    path = f"deploymentjob/{job['id']}"

    merged = ada.patch(path, {"rollout": {"maxConcurrent": 7, "haltMinSample": None}}).json()
    gone = ada.patch(path, {"rollout": None}).json()

    assert merged["rollout"] == _said({"waves": [{"count": 1}], "maxConcurrent": 7, "haltOnFailurePercent": 30})
    assert gone["rollout"] is None


def test_rollout__tag_of_a_wave__is_not_deleted_while_a_job_names_it(ada: Person) -> None:
    tag = factories.tag(ada.customer, "canary")
    job = factories.job(ada, rollout={"waves": [{"tagIds": [str(tag.public_id)]}]})

    refused = ada.delete(f"tag/{tag.public_id}")
    ada.patch(f"deploymentjob/{job.public_id}", {"rollout": {"waves": [{"count": 1}]}})

    assert refused.status_code == 409
    assert not JobTag.objects.exists()
    assert ada.delete(f"tag/{tag.public_id}").status_code in {200, 204}


# --- who is in which wave ---------------------------------------------------------------------------------------------


def test_split__waves_of_all_kinds__take_their_hosts_and_the_rest_is_the_last(ada: Person) -> None:
    canary, servers = factories.tag(ada.customer, "canary"), factories.tag(ada.customer, "servers")
    canaries, others = _hosts(ada, 2, canary, servers), _hosts(ada, 20)
    last = _hosts(ada, 3, servers)
    windows = factories.asset(ada.customer, platform=Platform.WINDOWS)
    waves = [{"tagIds": [str(canary.public_id)]}, {"count": 3}, {"percent": 25}, {"tagIds": [str(servers.public_id)]}]

    run = _run(ada, [*canaries, *others, *last, windows], {"waves": waves})

    named = {host.pk: 1 for host in canaries} | {host.pk: 4 for host in last} | {windows.pk: None}
    found = dict(HostTask.objects.filter(run=run).values_list("asset_id", "wave"))
    assert {pk: found[pk] for pk in named} == named
    assert Counter(found[host.pk] for host in others) == {2: 3, 3: 5, 5: 12}
    assert list(run.waves.order_by("number").values_list("number", "hosts", "state")) == [
        (1, 2, "Open"), (2, 3, "Waiting"), (3, 5, "Waiting"), (4, 3, "Waiting"), (5, 12, "Waiting"),
    ]  # fmt: skip


def test_split__any_waves__put_every_host_in_one_wave_of_the_right_size(ada: Person) -> None:
    draw = random.Random(20_261_123)
    hosts = _hosts(ada, 37)
    for _ in range(12):
        chosen = hosts[: draw.randint(1, len(hosts))]
        percents = draw.sample(range(1, 34), 3)
        waves = [draw.choice([{"percent": one}, {"count": draw.randint(1, 12)}]) for one in percents]

        run = _run(ada, chosen, {"waves": waves})

        assert _sizes(run) == _expected(waves, len(chosen))
        assert run.host_tasks.count() == len(chosen)
        assert {one.number: one.hosts for one in run.waves.all()} == _sizes(run)


def _expected(waves: list[dict[str, int]], hosts: int) -> dict[int, int]:
    """How many hosts each wave gets, reckoned by hand: parts one after the other, percents of all, rounded up."""
    sizes, taken, percents, counts = {}, 0, 0, 0
    for number, wave in enumerate(waves, start=1):
        percents, counts = percents + wave.get("percent", 0), counts + wave.get("count", 0)
        upto = min(hosts, counts - (-hosts * percents // 100))
        sizes[number], taken = upto - taken, upto
    sizes[len(waves) + 1] = hosts - taken
    return {number: size for number, size in sizes.items() if size}


def test_split__next_run_of_the_job__begins_with_others(ada: Person) -> None:
    hosts = _hosts(ada, 40)
    first = _run(ada, hosts, {"waves": [{"count": 5}]})
    second = services.open_run(job=services.lock(first.job), trigger="user", scheduled_for=NOW, at=NOW)
    services.resolve(run_id=second.pk, at=NOW)

    drawn = [set(HostTask.objects.filter(run=run, wave=1).values_list("asset", flat=True)) for run in (first, second)]

    assert [len(one) for one in drawn] == [5, 5]
    # One in 658,008 that they are the same.
    assert drawn[0] != drawn[1]


def test_split__no_rollout__has_no_waves(ada: Person) -> None:
    run = _run(ada, _hosts(ada, 2), None)

    assert _sizes(run) == {None: 2}
    assert run.open_wave is None
    assert not run.waves.exists()


def test_split__limit_alone__is_one_wave_of_all(ada: Person) -> None:
    run = _run(ada, _hosts(ada, 3), {"maxConcurrent": 1})

    assert _sizes(run) == {1: 3}
    assert run.open_wave == 1


def test_split__many_hosts__takes_a_constant_number_of_queries(ada: Person) -> None:
    costs = []
    for many in (2, 20):
        with CaptureQueriesContext(connection) as captured:
            _run(ada, hosts := _hosts(ada, many), {"waves": [{"percent": 10}, {"count": 1}]})
        del hosts
        made = [one for one in captured if "deployments_hosttask" in one["sql"] or "deployments_runwave" in one["sql"]]
        costs.append(len(made))

    assert costs[0] == costs[1]


# --- the preview ------------------------------------------------------------------------------------------------------


def test_preview__stored_job__tells_the_waves_that_its_next_run_has(ada: Person) -> None:
    hosts = _hosts(ada, 12)
    job = factories.job(
        ada,
        rollout={"waves": [{"percent": 25, "soakMinutes": 5}, {"count": 2}]},
        preDeployActions=[factories.script()],
        assetIds=[str(host.public_id) for host in hosts],
    )

    pages = [
        ada.post(f"deploymentjob/{job.public_id}/preview?pageSize=5&pageNumber={number}").json() for number in range(3)
    ]
    run = services.open_run(job=services.lock(job), trigger="user", scheduled_for=NOW, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)

    assert pages[0]["waves"] == [
        {"number": 1, "assetCount": 3, "soakMinutes": 5},
        {"number": 2, "assetCount": 2, "soakMinutes": 0},
        {"number": 3, "assetCount": 7, "soakMinutes": 0},
    ]
    shown = {host["name"]: host["wave"] for page in pages for host in page["assets"]}
    assert shown == dict(HostTask.objects.filter(run=run).values_list("asset__name", "wave"))


def test_preview__without_a_rollout__says_so(ada: Person) -> None:
    (host,) = _hosts(ada, 1)
    body = factories.job_body(preDeployActions=[factories.script()], assetIds=[str(host.public_id)])

    plan = ada.post("deploymentjob/preview", body).json()

    assert (plan["waves"], plan["assets"][0]["wave"]) == (None, None)


def test_plan_hash__rollout_and_who_is_named__change_it_and_who_is_drawn_does_not(ada: Person) -> None:
    canary = factories.tag(ada.customer, "canary")
    hosts = _hosts(ada, 6)
    body = factories.job_body(preDeployActions=[factories.script()], assetIds=[str(host.public_id) for host in hosts])

    def hash_of(rollout: Any) -> Any:
        return ada.post("deploymentjob/preview", body | {"rollout": rollout}).json()["planHash"]

    tagged = {"waves": [{"tagIds": [str(canary.public_id)]}]}
    plain, counted, same, named = (
        hash_of(None),
        hash_of({"waves": [{"count": 1}]}),
        hash_of({"waves": [{"count": 1}]}),
        hash_of(tagged),
    )

    inventory.tag_asset(asset=hosts[0], tag=canary)

    assert counted == same
    assert len({plain, counted, named, hash_of(tagged)}) == 4

"""Actions of jobs over HTTP: every kind is stored, answered, kept, copied, frozen and told."""

import base64
from typing import Any

import pytest

from actions import make_cache
from deployments.models import HostTask, JobAction, Run
from deployments.services.plans import plan
from inventory.models import Platform
from tenants.models import Role
from tests import factories
from tests.actions import bodies
from tests.actions.bodies import CHECKSUM, encoded
from tests.contract.house import without
from tests.factories import Person
from tests.tenants import worlds

SCRIPTS = {
    "script": encoded("install"),
    "scriptType": "ps",
    "detectionScript": encoded("look"),
    "detectionScriptType": "ps",
}
EVERY = [
    bodies.run_script(),
    bodies.install_software(),
    bodies.install_software(installMethod=0) | SCRIPTS,
    bodies.registry_key(),
    bodies.uninstall_software(),
    bodies.reboot(),
]


def created(by: Person, platform: str = "Windows", **changes: Any) -> dict[str, Any]:
    answer = by.post("deploymentjob", factories.job_body(platform=platform, **changes))
    assert answer.status_code == 201, answer.json()
    job: dict[str, Any] = answer.json()
    return job


def errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 400, answer.json()
    return {one["field"]: one["code"] for one in answer.json()["errors"]}


def own(action: dict[str, Any]) -> dict[str, Any]:
    """An answered action without what is new for each: its id, and the paths that hold it."""
    return without(action, "actionId", "script", "detectionScript")


# --- answers ----------------------------------------------------------------------------------------------------------


def test_create__every_kind__is_answered_with_exactly_its_keys(ada: Person) -> None:
    found = created(ada, preDeployActions=EVERY)["preDeployActions"]

    ids = [one["actionId"] for one in found]
    customer = ada.customer.public_id
    common = {"actionType": "predeploy", "actionLinkedToJob": False}
    params = [one["params"] | {"timeout": 180} for one in EVERY]
    assert len(set(ids)) == len(EVERY)
    assert [without(one, "actionId") for one in found] == [
        common | parts
        for parts in (
            {
                "action": "Run Script",
                "params": params[0],
                "script": f"{customer}/{ids[0]}/Script",
                "scriptType": "ps",
            },
            {
                "action": "Install Software",
                "params": params[1],
                "script": None,
                "scriptType": None,
                "detectionScript": None,
                "detectionScriptType": None,
                "downloadProtocol": 0,
            },
            {
                "action": "Install Software",
                "params": params[2],
                "script": f"{customer}/{ids[2]}/Script",
                "scriptType": "ps",
                "detectionScript": f"{customer}/{ids[2]}/DetectionScript",
                "detectionScriptType": "ps",
                "downloadProtocol": 0,
            },
            {"action": "Change Registry Key", "params": params[3]},
            {"action": "Uninstall Software", "params": params[4]},
            {"action": "System Reboot", "params": params[5], "script": "", "scriptType": "ps"},
        )
    ]


def test_create__on_linux__params_have_the_remediation_scope(ada: Person) -> None:
    sent = [
        bodies.run_script("sh"),
        bodies.make_cache(),
        bodies.install_software(),
        without(bodies.reboot(), "scriptType"),
    ]

    found = created(ada, "Linux", preDeployActions=sent)["preDeployActions"]

    assert [one["params"] for one in found] == [
        one["params"] | {"timeout": 180, "remediationScope": False} for one in sent
    ]
    assert (found[1]["script"], found[1]["scriptType"]) == ("default/MakeCache/makecache", "sh")
    assert (found[3]["script"], found[3]["scriptType"]) == ("", "sh")


def test_create__empty_scripts_of_an_installer__come_back_empty(ada: Person) -> None:
    (found,) = created(ada, postDeployActions=[bodies.install_software() | {"script": "", "detectionScript": ""}])[
        "postDeployActions"
    ]

    assert (found["script"], found["detectionScript"], found["scriptType"]) == ("", "", None)


def test_create__checksum_and_base64__come_back_in_one_spelling(ada: Person) -> None:
    sent = [
        bodies.install_software(fileChecksum=CHECKSUM.upper()),
        bodies.registry_key(regKey="SEtMTVxT\nT0ZUV0FS RVxBcHA="),
    ]

    found = [one["params"] for one in created(ada, preDeployActions=sent)["preDeployActions"]]

    assert found[0]["fileChecksum"] == CHECKSUM
    assert base64.b64decode(found[1]["regKey"], validate=True) == rb"HKLM\SOFTWARE\App"


# --- read, edit, write ------------------------------------------------------------------------------------------------


def test_replace__as_it_was_read__changes_nothing(ada: Person) -> None:
    job = created(ada, preDeployActions=EVERY, postDeployActions=EVERY[:-1])
    stored = list(JobAction.objects.order_by("stage", "position").values("public_id", "script", "detection_script"))

    answer = ada.put(f"deploymentjob/{job['id']}", job)

    assert answer.status_code == 200, answer.json()
    stages = ("preDeployActions", "postDeployActions")
    assert [answer.json()[stage] for stage in stages] == [job[stage] for stage in stages]
    now = list(JobAction.objects.order_by("stage", "position").values("public_id", "script", "detection_script"))
    assert [{key: _bytes(value) for key, value in row.items()} for row in now] == [
        {key: _bytes(value) for key, value in row.items()} for row in stored
    ]


def _bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def test_change__actions_in_another_order__keep_their_ids_and_scripts(ada: Person) -> None:
    job = created(ada, preDeployActions=[bodies.run_script(), bodies.install_software(installMethod=0) | SCRIPTS])
    first, second = job["preDeployActions"]

    answer = ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": [], "postDeployActions": [second, first]})

    assert answer.status_code == 200, answer.json()
    moved = answer.json()["postDeployActions"]
    assert [one["actionId"] for one in moved] == [second["actionId"], first["actionId"]]
    assert [ada.get(f"scripts/{moved[0][key]}").json()["script"] for key in ("script", "detectionScript")] == [
        "install",
        "look",
    ]


def test_change__new_script_for_a_known_action__replaces_it(ada: Person) -> None:
    job = created(ada, preDeployActions=[bodies.run_script()])
    (action,) = job["preDeployActions"]

    changed = {"preDeployActions": [action | {"script": encoded("echo other")}]}
    (found,) = ada.patch(f"deploymentjob/{job['id']}", changed).json()["preDeployActions"]

    assert found == action
    assert ada.get(f"scripts/{found['script']}").json() == {"script": "echo other", "scriptType": "ps"}


def test_change__action_of_another_job__gets_an_id_of_its_own(ada: Person) -> None:
    theirs = created(ada, preDeployActions=[bodies.run_script()])["preDeployActions"]
    job = created(ada)

    (found,) = ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": theirs}).json()["preDeployActions"]

    assert own(found) == own(theirs[0])
    assert found["actionId"] != theirs[0]["actionId"]


def test_change__same_action_twice__one_gets_the_id(ada: Person) -> None:
    job = created(ada, preDeployActions=[bodies.run_script()])
    (action,) = job["preDeployActions"]

    found = ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": [action, action]}).json()["preDeployActions"]

    assert found[0] == action
    assert found[1]["actionId"] != action["actionId"]


def test_change__of_the_platform__is_held_to_the_actions(ada: Person) -> None:
    job = created(ada, preDeployActions=[bodies.run_script(), bodies.registry_key()])

    answer = ada.patch(f"deploymentjob/{job['id']}", {"platform": "Linux"})

    assert errors(answer) == {"preDeployActions[0].scriptType": "excludes", "preDeployActions[1].action": "excludes"}


def test_clone__has_actions_and_scripts_of_its_own(ada: Person) -> None:
    job = created(ada, preDeployActions=EVERY)

    copy = ada.post(f"deploymentjob/{job['id']}/clone").json()
    ada.delete(f"deploymentjob/{job['id']}")

    assert [own(one) for one in copy["preDeployActions"]] == [own(one) for one in job["preDeployActions"]]
    detection = copy["preDeployActions"][2]["detectionScript"]
    assert ada.get(f"scripts/{detection}").json()["script"] == "look"


# --- refused ----------------------------------------------------------------------------------------------------------


def test_create__mistakes_in_several_actions__are_told_at_once(ada: Person) -> None:
    lost = f"{ada.customer.public_id}/7f1e8c1c-0000-4000-8000-000000000000"
    body = factories.job_body(
        platform="Windows",
        preDeployActions=[
            bodies.run_script("sh"),
            bodies.run_script(timeout="soon") | {"script": f"{lost}/Script"},
            5,
            bodies.install_software(downloadURL="http://x", fileChecksum=...),
            bodies.install_software() | SCRIPTS | {"detectionScript": f"{lost}/DetectionScript"},
        ],
        postDeployActions=[bodies.reboot(), bodies.registry_key(regValue=encoded("x"))],
    )

    assert errors(ada.post("deploymentjob", body)) == {
        "preDeployActions[0].scriptType": "excludes",
        "preDeployActions[1].params.timeout": "invalid",
        "preDeployActions[1].script": "unknown_script",
        "preDeployActions[2]": "invalid",
        "preDeployActions[3].params.downloadURL": "invalid",
        "preDeployActions[3].params.fileChecksum": "required",
        "preDeployActions[4].detectionScript": "unknown_script",
        "postDeployActions[0].action": "excludes",
        "postDeployActions[1].params.regValue": "invalid",
    }


def test_create__path_of_a_script_that_is_not_there__is_refused(ada: Person) -> None:
    (action,) = created(ada, preDeployActions=[bodies.run_script()])["preDeployActions"]
    path = action["script"].removesuffix("Script") + "DetectionScript"

    answer = ada.post(
        "deploymentjob", factories.job_body(platform="Windows", preDeployActions=[action | {"script": path}])
    )

    assert errors(answer) == {"preDeployActions[0].script": "unknown_script"}


def test_create__path_of_a_deleted_jobs_script__is_refused(ada: Person) -> None:
    job = created(ada, preDeployActions=[bodies.run_script()])
    ada.delete(f"deploymentjob/{job['id']}")

    answer = ada.post("deploymentjob", factories.job_body(platform="Windows", preDeployActions=job["preDeployActions"]))

    assert errors(answer) == {"preDeployActions[0].script": "unknown_script"}


def test_create__path_of_a_co_authored_jobs_script__is_taken(ada: Person) -> None:
    author, friend, other = (factories.person(customer=ada.customer, role=Role.OPERATOR) for _ in range(3))
    job = created(
        author,
        preDeployActions=[bodies.install_software(installMethod=0) | SCRIPTS],
        coAuthorUserIds=[str(friend.user.public_id)],
    )
    body = factories.job_body(platform="Windows", preDeployActions=job["preDeployActions"])

    assert friend.post("deploymentjob", body).status_code == 201
    assert errors(other.post("deploymentjob", body)) == {
        "preDeployActions[0].script": "unknown_script",
        "preDeployActions[0].detectionScript": "unknown_script",
    }


# --- scripts ----------------------------------------------------------------------------------------------------------


def test_scripts__of_an_action__are_for_those_who_may_edit_the_job(ada: Person) -> None:
    author, other = (factories.person(customer=ada.customer, role=Role.OPERATOR) for _ in range(2))
    (action,) = created(author, preDeployActions=[bodies.install_software() | SCRIPTS])["preDeployActions"]

    for key, text in (("script", "install"), ("detectionScript", "look")):
        path = f"scripts/{action[key]}"
        assert [one.get(path).status_code for one in (author, ada, other)] == [200, 200, 403]
        assert author.get(path).json() == {"script": text, "scriptType": "ps"}


def test_scripts__that_an_action_does_not_have__are_not_found(ada: Person) -> None:
    run, installer = created(ada, preDeployActions=[bodies.run_script(), bodies.install_software()])["preDeployActions"]

    at = f"scripts/{ada.customer.public_id}"
    assert ada.get(f"{at}/{run['actionId']}/DetectionScript").status_code == 404
    assert ada.get(f"{at}/{installer['actionId']}/Script").status_code == 404
    assert ada.get(f"{at}/{run['actionId']}/Sript").status_code == 404


def test_scripts__built_in__is_for_everyone_who_is_signed_in(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    answer = viewer.get("scripts/default/MakeCache/makecache")

    assert (answer.status_code, answer.json()) == (200, {"script": make_cache.SCRIPT.decode(), "scriptType": "sh"})
    assert viewer.client.get("/pm/v1/scripts/default/MakeCache/makecache").status_code == 401


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", [Platform.WINDOWS, Platform.LINUX])
def test_run__of_every_kind__tells_the_host_each_in_order(ada: Person, platform: Platform) -> None:
    linux = [bodies.make_cache(), bodies.run_script("sh"), bodies.install_software()]
    host = factories.asset(ada.customer, platform=platform)

    run = worlds.running(
        ada,
        host,
        platform=platform,
        preDeployActions=EVERY if platform == Platform.WINDOWS else linux,
        postDeployActions=[bodies.run_script("ps" if platform == Platform.WINDOWS else "sh")],
    )
    steps = plan(HostTask.objects.get(run=run))

    pre = [one["action"] for one in (EVERY if platform == Platform.WINDOWS else linux)]
    assert [(step.get("stage"), step.get("action")) for step in steps] == [
        *(("pre", kind) for kind in pre),
        ("post", "Run Script"),
        (None, None),
    ]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))


def test_run__edited_job__keeps_what_was_frozen(ada: Person) -> None:
    host = factories.asset(ada.customer, platform=Platform.WINDOWS)
    sent = {
        "preDeployActions": [bodies.install_software() | SCRIPTS],
        "scheduleType": "Daily",
        "startDateTime": "2031-3-4 6:30:00 PM",
    }
    job = created(ada, assetIds=[str(host.public_id)], status="Enabled", **sent)
    ada.post(f"deploymentjob/{job['id']}/run")
    run = Run.objects.get()
    worlds.deployments.resolve(run_id=run.pk, at=factories.NOW)

    ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": [bodies.run_script()]})

    (action, _) = plan(HostTask.objects.get(run=run))
    assert action["install"]["detection"]["script"] == encoded("look")
    assert action["actionId"] == job["preDeployActions"][0]["actionId"]

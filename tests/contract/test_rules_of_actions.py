"""Actions: what each kind needs, and where it is told what lacks."""

import uuid

import pytest

from tests import factories
from tests.contract.house import (
    CHECKSUM,
    House,
    change_registry_key,
    install_software,
    less,
    reboot,
    run_script,
    text,
    uninstall_software,
    without,
)
from tests.contract.refusals import Body, problems

ACTIONS: list[tuple[str, Body, str]] = [
    ("preDeployActions", run_script(params={"actionItem": ""}), "params.actionItem"),
    ("preDeployActions", less(run_script(), "actionItem"), "params.actionItem"),
    ("preDeployActions", run_script() | {"script": ""}, "script"),
    ("preDeployActions", without(run_script(), "script"), "script"),
    ("preDeployActions", run_script() | {"script": "%%%"}, "script"),
    ("preDeployActions", run_script() | {"scriptType": "py"}, "scriptType"),
    ("preDeployActions", without(run_script(), "scriptType"), "scriptType"),
    ("preDeployActions", {"params": {"actionItem": "a"}}, "action"),
    ("preDeployActions", run_script() | {"action": "Dance"}, "action"),
    ("preDeployActions", run_script(params={"timeout": 0}), "params.timeout"),
    ("preDeployActions", run_script(params={"timeout": "soon"}), "params.timeout"),
    ("preDeployActions", run_script() | {"detectionScript": text("x"), "detectionScriptType": "ps"}, "detectionScript"),
    ("postDeployActions", reboot(), "action"),
    ("preDeployActions", less(install_software(), "actionItem"), "params.actionItem"),
    ("preDeployActions", less(install_software(), "downloadURL"), "params.downloadURL"),
    ("preDeployActions", install_software(downloadURL="http://downloads.example.com/x.msi"), "params.downloadURL"),
    ("preDeployActions", install_software(downloadURL="viewer.msi"), "params.downloadURL"),
    ("preDeployActions", less(install_software(), "fileChecksum"), "params.fileChecksum"),
    ("preDeployActions", install_software(fileChecksum=CHECKSUM[:-1]), "params.fileChecksum"),
    ("preDeployActions", install_software(fileChecksum="d41d8cd98f00b204e9800998ecf8427e"), "params.fileChecksum"),
    ("preDeployActions", less(install_software(), "installMethod"), "params.installMethod"),
    ("preDeployActions", install_software(installMethod=2), "params.installMethod"),
    ("preDeployActions", install_software(installMethod=0), "script"),
    ("preDeployActions", install_software() | {"detectionScript": "%", "detectionScriptType": "ps"}, "detectionScript"),
    ("postDeployActions", less(change_registry_key(), "actionItem"), "params.actionItem"),
    ("postDeployActions", less(change_registry_key(), "regKey"), "params.regKey"),
    ("postDeployActions", change_registry_key(regKey="HKLM\\x"), "params.regKey"),
    ("postDeployActions", less(change_registry_key(), "regValue"), "params.regValue"),
    ("postDeployActions", change_registry_key(regValue="%%%"), "params.regValue"),
    ("postDeployActions", less(change_registry_key(), "regValueType"), "params.regValueType"),
    ("postDeployActions", change_registry_key(regValueType="REG_LINK"), "params.regValueType"),
    ("postDeployActions", change_registry_key(regValue=text("one")), "params.regValue"),
    ("postDeployActions", change_registry_key(regValue=text(str(2**32))), "params.regValue"),
    ("postDeployActions", change_registry_key(regValue=text(str(2**64)), regValueType="REG_QWORD"),
     "params.regValue"),
    ("postDeployActions", change_registry_key(regKeyAddNew="maybe"), "params.regKeyAddNew"),
    ("postDeployActions", change_registry_key(installMethod=1), "params.installMethod"),
    ("postDeployActions", less(uninstall_software(), "actionItem"), "params.actionItem"),
    ("postDeployActions", uninstall_software(unInstallRegistryKey="HKLM\\x"), "params.unInstallRegistryKey"),
    ("postDeployActions", uninstall_software(unInstallSoftwareVersionMatch="Resembles"),
     "params.unInstallSoftwareVersionMatch"),
    ("preDeployActions", less(reboot(), "actionItem"), "params.actionItem"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "action", "part"), ACTIONS, ids=[f"{row[1].get('action')}-{row[2]}" for row in ACTIONS]
)
def test_action__that_cannot_be__is_refused_at_its_place(house: House, stage: str, action: Body, part: str) -> None:
    fields = problems(house, house.windows(**{stage: [run_script(), action]}))

    assert set(fields) == {f"{stage}[1].{part}"}


GOOD_ACTIONS: list[tuple[str, Body]] = [
    *((stage, action) for stage in ("preDeployActions", "postDeployActions")
      for action in (run_script(), install_software(), change_registry_key(), uninstall_software())),
    ("preDeployActions", reboot()),
    ("preDeployActions", change_registry_key(regValue=text(str(2**32 - 1)))),
    ("preDeployActions", change_registry_key(regValue=text(str(2**64 - 1)), regValueType="reg_qword")),
    ("preDeployActions", change_registry_key(regValue=text("any text"), regValueType="REG_SZ")),
    ("preDeployActions", change_registry_key(regValue=text("%PATH%"), regValueType="REG_EXPAND_SZ")),
    ("preDeployActions", change_registry_key(regValue=text("one\ntwo"), regValueType="REG_MULTI_SZ")),
    ("postDeployActions", install_software(installMethod=0) | {"script": text("x"), "scriptType": "ps"}),
    ("postDeployActions", install_software() | {"detectionScript": text("x"), "detectionScriptType": "ps"}),
    ("postDeployActions", install_software(fileChecksum=CHECKSUM.upper())),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "action"), GOOD_ACTIONS, ids=[row[1]["action"] for row in GOOD_ACTIONS])
def test_action__that_can_be__is_accepted(house: House, stage: str, action: Body) -> None:
    job = house.create(house.windows(**{stage: [action]}))

    assert [one["action"] for one in job[stage]] == [action["action"]]


def test_script_path__of_nobody_or_a_stranger__is_refused_alike(house: House) -> None:
    stranger = factories.stranger()
    theirs = stranger.post("deploymentjob", factories.job_body(preDeployActions=[factories.script()])).json()
    path = theirs["preDeployActions"][0]["script"]
    never = f"{house.ids['customer']}/{uuid.uuid4()}/Script"

    answers = [
        house.ada.post("deploymentjob", house.linux(preDeployActions=[run_script("sh") | {"script": one}]))
        for one in (path, never, "default/MakeCoffee/makecoffee", "../../etc/passwd")
    ]

    assert [[one["field"] for one in answer.json()["errors"]] for answer in answers] == [
        ["preDeployActions[0].script"]
    ] * 4
    assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_script_path__that_its_sender_may_read__is_taken(house: House) -> None:
    first = house.create(house.linux(preDeployActions=[run_script("sh")]))
    script = first["preDeployActions"][0]["script"]

    second = house.create(house.linux(postDeployActions=[run_script("sh") | {"script": script}]))

    assert second["postDeployActions"][0]["script"] != script
    read = [house.ada.get(f"scripts/{one}").content for one in (script, second["postDeployActions"][0]["script"])]
    assert read[0] == read[1]

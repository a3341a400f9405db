"""People who step in: what agents are at when a run is canceled, paused, or tried again."""

import pytest

from demo.hosts import installed_version
from tests.journeys.conftest import APT
from tests.journeys.tools import NEW, Customer, script, until

pytestmark = pytest.mark.service


def test_cancel__packages_are_being_installed__agents_end_their_step_and_are_free_for_the_next_job(acme: Customer):
    rollout = acme.roll_out("acme-cancel", APT[:2], held=True)
    rollout.wait_installing()
    at_work = rollout.installing()

    answer = rollout.change("cancel")

    assert answer == {"jobInstanceId": 1, "state": "Canceled"}
    assert {row["state"] for row in rollout.rows().values()} == {"Canceled"}
    for host in at_work:
        until("the package that was begun", lambda host=host: installed_version(host, rollout.package) == NEW)
    following = acme.roll_out("acme-pause", APT[:1])
    following.check_ended()
    for host in rollout.hosts:
        # One that was slower may not have begun.
        begun = [["before Install"]] if host in at_work else [["before Install"], []]
        assert rollout.scripted(host) in begun, host.name
        assert rollout.configured(host) in ([NEW], []), host.name
    subjects = rollout.mails()
    assert len(subjects) == 2, subjects
    assert "canceled" in subjects[1]


def test_pause__one_host_has_not_begun__it_begins_when_the_run_goes_on(acme: Customer):
    late = acme.machines[APT[2]]
    late.kill()
    last = acme.assets()[APT[2]]["statusDateTime"]
    rollout = acme.roll_out("acme-pause", APT[1:], held=True)
    rollout.wait_installing()

    rollout.change("pause")
    late.start()

    rollout.wait_state(acme.machines[APT[1]], "Succeeded")
    until("the late agent's call", lambda: acme.assets()[APT[2]]["statusDateTime"] > last)
    run = rollout.run()
    assert run is not None
    assert run["state"] == "Paused"
    assert rollout.state_of(APT[2]) == "Pending"
    rollout.change("resume")
    rollout.check_ended()
    rollout.check_installed_once()


def test_retry__a_script_failed__the_second_run_does_what_the_first_did_not(acme: Customer):
    broken = acme.machines[APT[0]].host.root / "opt" / "acme" / "broken"
    broken.touch()
    action = script("Check", "test ! -e opt/acme/broken")
    rollout = acme.roll_out("acme-retry", APT[:2], preDeployActions=[action])
    rollout.check_ended(apt_1="Failed")
    broken.unlink()

    answer = rollout.change("retry-failed")

    path = f"/pm/v1/deploymentjob/{rollout.job}/runs/2"
    assert answer["jobInstanceId"] == 2
    until("the second run's end", lambda: acme.client.get(path)["state"] == "Completed")
    rows = acme.client.get(f"{path}/assets?pageSize=100")
    assert {row["name"]: row["state"] for row in rows} == {APT[0]: "Succeeded"}
    assert [installed_version(host, rollout.package) for host in rollout.hosts] == [NEW, NEW]

"""A run in waves: the first machine fails, the run halts, and a person lets it go on."""

import pytest

from demo.hosts import installed_version
from tests.journeys.conftest import APT, CANARY, WAVES
from tests.journeys.tools import NEW, OLD, Customer, until

pytestmark = pytest.mark.service


def test_waves__the_canary_fails__halts_until_somebody_resumes_it(acme: Customer):
    canary = acme.machines[CANARY]
    tag = acme.tag("canary", [CANARY])
    rollout = acme.roll_out(
        WAVES,
        [*APT[:2], CANARY],
        rollout={"waves": [{"tagIds": [tag]}], "maxConcurrent": 1, "haltOnFailurePercent": 50},
    )

    rollout.wait_state(canary, "Failed")
    halted = until("the halt", lambda: run if (run := rollout.run()) and run["state"] == "Halted" else None)
    until("the mail of the halt", lambda: any("halted" in subject for subject in rollout.mails()))

    (halt,) = halted["rollout"]["halts"]
    assert (halt["failed"], halt["sampled"], halt["endedBy"]) == (1, 1, None)
    assert {name: row["state"] for name, row in rollout.rows().items()} == {
        CANARY: "Failed",
        APT[0]: "Pending",
        APT[1]: "Pending",
    }
    assert [installed_version(agent.host, WAVES) for agent in rollout.machines[:2]] == [OLD, OLD]

    assert rollout.change("resume")["state"] == "Running"

    run = rollout.wait_ended()
    assert run["counts"] == {"Failed": 1, "Succeeded": 2}
    assert [wave["state"] for wave in run["rollout"]["waves"]] == ["Closed", "Closed"]
    assert [one["ending"] for one in run["rollout"]["halts"]] == ["resumed"]
    assert [installed_version(agent.host, WAVES) for agent in rollout.machines[:2]] == [NEW, NEW]
    # One after the other: the second had its work only once the first had ended.
    first, second = sorted((rollout.rows()[name] for name in APT[:2]), key=lambda row: row["startDateTime"])
    assert second["startDateTime"] >= first["endDateTime"]

"""The harness's own eyes: whatever is done twice, never, or told otherwise is named."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos.processes import ledger
from chaos.processes.checks import Evidence, Run, Step, Task, findings

AT = datetime(2027, 1, 1, tzinfo=UTC)
RUN = Run(1, "job", 1, "user", "Completed", None, AT, {"Succeeded": 1})
LINE = ledger.Line(10, 1, 1, "host")


def _right() -> Evidence:
    """One run on one host, of a script and a package, where all is as it should be."""
    return Evidence(
        asked={"job": {"key": 1}},
        runs=[RUN],
        tasks=[Task(10, 1, "host", "Succeeded")],
        steps=[
            Step(10, 1, 1, "action", "Succeeded"),
            Step(10, 1, 2, "patch", "Succeeded", "done", "app 2.0"),
        ],
        lines=[LINE],
        configured=[("host", "app 2.0")],
        events=[(1, "run.opened"), (1, "run.completed")],
    )


def _rules(evidence: Evidence) -> set[str]:
    return {finding.rule for finding in findings(evidence)}


def test_findings__all_right__none():
    assert findings(_right()) == []


def test_findings__line_twice__step_done_twice():
    evidence = _right()
    evidence.lines.append(replace(LINE, attempt=2))

    assert "no step twice" in _rules(evidence)


def test_findings__package_configured_twice__named():
    evidence = _right()
    evidence.configured *= 2

    assert [finding.text for finding in findings(evidence)] == ["app 2.0 was configured 2 times on host"]


@pytest.mark.parametrize("state", ["Succeeded", "Interrupted"])
def test_findings__no_line__wrong_only_where_it_succeeded(state: str):
    evidence = _right()
    evidence.lines.clear()
    evidence.steps[0] = replace(evidence.steps[0], state=state)
    evidence.tasks[0] = replace(evidence.tasks[0], state="Succeeded" if state == "Succeeded" else "Failed")
    evidence.runs[0] = replace(RUN, counts={evidence.tasks[0].state: 1})

    assert _rules(evidence) == ({"ledger agrees"} if state == "Succeeded" else set())


def test_findings__line_of_a_step_that_was_skipped__wrong():
    evidence = _right()
    evidence.steps[0] = replace(evidence.steps[0], state="Skipped")

    assert "ledger agrees" in _rules(evidence)


def test_findings__promised_run_is_not_there__missing():
    evidence = _right()
    evidence.asked["job"]["other"] = 2

    assert [finding.text for finding in findings(evidence)] == ["run 2 of job was promised and is not there"]


def test_findings__run_that_nobody_asked_for__too_many():
    evidence = _right()
    evidence.asked.clear()

    assert _rules(evidence) == {"asked starts"}


def test_findings__start_by_schedule_missing_or_doubled__named():
    evidence = _right()
    evidence.scheduled = {"other": [AT]}
    assert _rules(evidence) == {"scheduled starts"}

    once = replace(RUN, pk=2, job="other", trigger="schedule", counts={})
    evidence.runs += [once, once]
    evidence.events.append((2, "run.completed"))
    assert _rules(evidence) == {"scheduled starts"}


def test_findings__child_not_started_or_twice__named():
    evidence = _right()
    evidence.children = {"job": ["child"]}
    assert _rules(evidence) == {"children"}

    child = replace(RUN, pk=2, job="child", trigger="parent", parent=1, counts={})
    evidence.runs.append(child)
    evidence.events.append((2, "run.completed"))
    assert findings(evidence) == []

    evidence.runs.append(replace(child, pk=3, instance=2))
    evidence.events.append((3, "run.completed"))
    assert _rules(evidence) == {"children"}


def test_findings__still_going_when_all_is_quiet__named():
    evidence = _right()
    evidence.outbox = ["deployments.close_run #7"]

    assert _rules(evidence) == {"all ended"}


def test_findings__counts_differ_from_rows__named():
    evidence = _right()
    evidence.runs[0] = replace(RUN, counts={"Succeeded": 2})

    assert _rules(evidence) == {"counters"}


def test_findings__failed_host_whose_steps_all_succeeded__named():
    evidence = _right()
    evidence.tasks[0] = replace(evidence.tasks[0], state="Failed")
    evidence.runs[0] = replace(RUN, counts={"Failed": 1})

    assert _rules(evidence) == {"hosts agree with steps"}


def test_findings__end_told_twice__named():
    evidence = _right()
    evidence.events.append((1, "run.completed"))

    assert _rules(evidence) == {"ends told once"}


def test_read__half_a_line__refused(tmp_path: Path):
    path = tmp_path / "ledger"
    path.write_text("10-1-1 host 99\n10-1-")

    with pytest.raises(ValueError, match="not enough values"):
        list(ledger.read(path))

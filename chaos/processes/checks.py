"""What must hold once all is quiet: pure, on what the driver noted, the ledgers hold and the service says."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chaos.processes.ledger import Line

_FINAL_RUNS = {"Completed", "Canceled", "Missed", "Skipped"}
_FINAL_TASKS = {"Succeeded", "Failed", "NotApplicable", "TimedOut", "Missed", "Canceled", "Skipped"}
_BAD = {"Failed", "Interrupted"}
_NEVER_BEGUN = {"Pending", "Skipped", "NotApplicable"}
# Of a run that ends there are no events twice.
_ENDS = {f"run.{state.lower()}" for state in _FINAL_RUNS}


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the service has it; `counts` is what REST answers."""

    pk: int
    job: str
    instance: int
    trigger: str
    state: str
    parent: int | None
    scheduled_for: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Task:
    """A host's share of a run."""

    pk: int
    run: int
    host: str
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a host's share. `package` is what a patch brings, or empty."""

    task: int
    attempt: int
    number: int
    kind: str
    state: str
    reason: str = ""
    package: str = ""


@dataclass(slots=True)
class Evidence:
    """All that there is to compare."""

    # Job → the instance that each start which was asked for became, by the key that it was asked with.
    asked: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    # Job → the starts that its schedule names, reckoned apart.
    scheduled: dict[str, Sequence[datetime]] = field(default_factory=dict)
    # Job → those that follow it.
    children: dict[str, Sequence[str]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    # (host, package, version) for each configure that a package's own script noted.
    configured: list[tuple[str, str]] = field(default_factory=list)
    # (run, kind) of every event of a run's life.
    events: list[tuple[int | None, str]] = field(default_factory=list)
    # Messages that wait though all is quiet.
    outbox: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    text: str


def findings(evidence: Evidence) -> list[Finding]:
    """All that is wrong, rule by rule."""
    return [Finding(rule, text) for rule, check in RULES.items() for text in check(evidence)]


def _asked_starts(evidence: Evidence) -> Iterator[str]:
    """Each start that was asked for has one run, however often it was asked with its key."""
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for run in evidence.runs:
        if run.trigger == "user":
            found[run.job][run.instance] += 1
    for job in evidence.asked.keys() | found.keys():
        asked = Counter(evidence.asked.get(job, {}).values())
        yield from (f"run {one} of {job} was promised and is not there" for one in asked - found[job])
        yield from (f"run {one} of {job} is there {n} times too often" for one, n in (found[job] - asked).items())


def _scheduled_starts(evidence: Evidence) -> Iterator[str]:
    found: defaultdict[str, Counter[datetime]] = defaultdict(Counter)
    for run in evidence.runs:
        if run.trigger == "schedule":
            found[run.job][run.scheduled_for] += 1
    for job, starts in evidence.scheduled.items():
        should = Counter(starts)
        yield from (f"no run at {at} of {job}" for at in should - found[job])
        yield from (f"a run too many at {at} of {job}" for at in found[job] - should)


def _children(evidence: Evidence) -> Iterator[str]:
    """Each run of a parent that ended starts each of its children once; nobody else starts one."""
    found = Counter((run.parent, run.job) for run in evidence.runs if run.trigger == "parent")
    ended = [run for run in evidence.runs if run.job in evidence.children and run.state == "Completed"]
    should: Counter[tuple[int | None, str]] = Counter(
        (run.pk, child) for run in ended for child in evidence.children[run.job]
    )
    yield from (f"run {parent} did not start {child}" for parent, child in should - found)
    yield from (f"run {parent} started {child} once too often" for parent, child in found - should)


def _no_step_twice(evidence: Evidence) -> Iterator[str]:
    done = Counter((line.task, line.number) for line in evidence.lines)
    yield from (f"step {n} of host task {task} was done {m} times" for (task, n), m in done.items() if m > 1)
    installed = Counter(evidence.configured)
    yield from (f"{package} was configured {m} times on {host}" for (host, package), m in installed.items() if m > 1)


def _ledger_agrees(evidence: Evidence) -> Iterator[str]:
    """What succeeded was done; what never began, by the service's word, was not; nothing was done for nobody."""
    done = Counter((line.task, line.attempt, line.number) for line in evidence.lines)
    named = {(step.task, step.attempt, step.number): step for step in evidence.steps}
    hosts = {task.pk: task.host for task in evidence.tasks}
    yield from (f"step {key} was done, and the service knows of none" for key in done.keys() - named.keys())
    for line in evidence.lines:
        if line.task in hosts and hosts[line.task] != line.host:
            yield f"host task {line.task} is for {hosts[line.task]}, and was done on {line.host}"
    configured = Counter(evidence.configured)
    for key, step in named.items():
        if step.kind == "action" and step.state == "Succeeded" and not done[key]:
            yield f"step {key} succeeded, and was not done"
        if step.kind == "action" and step.state in _NEVER_BEGUN and done[key]:
            yield f"step {key} is {step.state}, and was done"
        if step.package and step.state == "Succeeded" and not configured[hosts.get(step.task, ""), step.package]:
            yield f"step {key} installed {step.package}, which was never configured on {hosts.get(step.task)}"


def _tasks_agree_with_steps(evidence: Evidence) -> Iterator[str]:
    """A host succeeded only if all its steps did, and failed only if one of them did; none is left at work."""
    states: defaultdict[int, set[str]] = defaultdict(set)
    for step in evidence.steps:
        states[step.task].add(step.state)
    for task in evidence.tasks:
        good = states[task.pk] <= {"Succeeded", "NotApplicable"}
        if task.state == "Succeeded" and not good:
            yield f"host task {task.pk} succeeded with steps that are {sorted(states[task.pk])}"
        if task.state == "Failed" and not states[task.pk] & _BAD:
            yield f"host task {task.pk} failed, and none of its steps did: they are {sorted(states[task.pk])}"
        if states[task.pk] & {"Pending", "Running"}:
            yield f"host task {task.pk} is {task.state}, with steps that are {sorted(states[task.pk])}"


def _all_ended(evidence: Evidence) -> Iterator[str]:
    yield from (f"run {run.pk} is {run.state}" for run in evidence.runs if run.state not in _FINAL_RUNS)
    yield from (f"host task {task.pk} is {task.state}" for task in evidence.tasks if task.state not in _FINAL_TASKS)
    yield from (f"a message waits: {message}" for message in evidence.outbox)


def _counters(evidence: Evidence) -> Iterator[str]:
    rows: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for task in evidence.tasks:
        rows[task.run][task.state] += 1
    for run in evidence.runs:
        if (told := _above_zero(run.counts)) != rows[run.pk]:
            yield f"run {run.pk} counts {dict(told)}, and its rows are {dict(rows[run.pk])}"


def _events(evidence: Evidence) -> Iterator[str]:
    """Each run that ended has one event of its end, by which others are told."""
    told = Counter(run for run, kind in evidence.events if kind in _ENDS)
    for run in evidence.runs:
        if run.state in _FINAL_RUNS and told[run.pk] != 1:
            yield f"the end of run {run.pk} was told {told[run.pk]} times"


def _above_zero(counts: Mapping[str, int]) -> Counter[str]:
    return +Counter(counts)


RULES: Mapping[str, Callable[[Evidence], Iterable[str]]] = {
    "asked starts": _asked_starts,
    "scheduled starts": _scheduled_starts,
    "children": _children,
    "no step twice": _no_step_twice,
    "ledger agrees": _ledger_agrees,
    "hosts agree with steps": _tasks_agree_with_steps,
    "all ended": _all_ended,
    "counters": _counters,
    "ends told once": _events,
}

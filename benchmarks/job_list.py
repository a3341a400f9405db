"""Very many jobs, page by page: through the whole service, and by bare SQL with a bare function beside it."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TypeVar

from benchmarks import filling, pages
from benchmarks.bare import Bare
from benchmarks.client import Client
from benchmarks.pages import PLACES, SIZES, Page

T = TypeVar("T")

TARGET = 1.2
_CALLS = 8

# Which page, and who answers: "service" or "bare".
Medians = Mapping[tuple[Page, str], float]


@dataclass(frozen=True)
class Found:
    """Medians in milliseconds, and how long filling took in seconds."""

    jobs: int
    rounds: int
    filled: float
    medians: Medians

    def ratio(self, path: str, to: str) -> float:
        """What the last page costs beside another one."""
        return self.medians[(path, "last"), "service"] / self.medians[(path, to), "service"]

    @property
    def met(self) -> bool:
        """Whether the last page costs as much as those at the beginning, and a little more at most."""
        return all(self.ratio(path, to) <= TARGET for path in SIZES for to in ("first", "second"))

    def described(self) -> str:
        """The figures as a page of text."""
        return "\n\n".join([_about(self), _table(self), _ratios(self)])


def measure(*, folder: Path, base_url: str, jobs: int, rounds: int) -> Found:
    """Fill the service whose data are in `folder`, and read its lists. Raises EmbeddedError."""
    filled, seconds = _timed(lambda: filling.fill(folder=folder, jobs=jobs))
    client = Client(base_url)
    client.sign_in(filled.username, filling.PASSWORD)
    keys = pages.keys(customer_id=filled.customer_id, jobs=jobs)
    medians = _compare(client, Bare(filled.customer_id), keys, rounds)
    return Found(jobs=jobs, rounds=rounds, filled=seconds, medians=medians)


def _compare(client: Client, bare: Bare, keys: Mapping[Page, str], rounds: int) -> Medians:
    """Everything in turns, so that what else the machine does falls on all of it alike."""
    taken: dict[tuple[Page, str], list[float]] = {}
    for number in range(rounds + 1):
        for (path, place), key in keys.items():
            calls: Mapping[str, Callable[[], object]] = {
                "service": partial(client.page, path, SIZES[path], key),
                "bare": partial(bare.page, path, SIZES[path], key),
            }
            for who, call in calls.items():
                taken.setdefault(((path, place), who), []).append(_milliseconds(call))
        print(f"\rround {number} of {rounds}", end="", flush=True)
    print()
    # The first round warms caches.
    return {case: statistics.median(each[1:]) for case, each in taken.items()}


def _milliseconds(call: Callable[[], object]) -> float:
    return statistics.median(1000 * _timed(call)[1] for _ in range(_CALLS))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _about(found: Found) -> str:
    made = (
        f"One customer with {found.jobs:,} jobs among twenty others, filled in {found.filled:.0f} s. Each names two "
        "patches, an asset and a tag; every second has an action, every fourth has had a run."
    )
    measured = (
        f"Medians of {found.rounds} rounds of {_CALLS} calls each, in turns, in milliseconds. The service is asked "
        "over HTTP on a connection that stays open. Bare is one SQL statement for the same rows in the same customer's "
        "context, and `json.dumps`: no HTTP, no sign-in, no permissions, none of the rules by which a row is shown. "
        "The first page counts all rows, for both; later pages carry that count in their key."
    )
    return "\n\n".join([f"## A list of {found.jobs:,} jobs", fill(made, width=120), fill(measured, width=120)])


def _table(found: Found) -> str:
    lines = ["| list | page | service | bare | times |", "|---|---|---|---|---|"]
    for path, size in SIZES.items():
        for place in PLACES:
            ours, bare = (found.medians[(path, place), who] for who in ("service", "bare"))
            lines.append(f"| `{path}`, {size} rows | {place} | {ours:.1f} | {bare:.1f} | {ours / bare:.1f} |")
    return "\n".join(lines)


def _ratios(found: Found) -> str:
    return "\n".join(
        f"- `{path}`: the last page takes {found.ratio(path, 'second'):.2f} times as long as the second, and "
        f"{found.ratio(path, 'first'):.2f} times as long as the first (target: {TARGET} at most)."
        for path in SIZES
    )

"""A report with very many rows: asked for, written and fetched through the whole service, and its memory."""

import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks import filling
from benchmarks.client import Client
from benchmarks.hosts import USERNAME
from benchmarks.hosts import fill as fill_hosts
from benchmarks.processes import WEB, WORKER, forget_peaks, most_resident
from embedded.errors import EmbeddedError

MOST_MEGABYTES = 200
_ACCEPTED = 202
_LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Found:
    """How long it took in seconds, and the most memory of a process in megabytes."""

    rows: int
    megabytes: float
    written: float
    fetched: float
    worker: float
    web: float

    @property
    def met(self) -> bool:
        """Whether neither writing nor fetching takes more memory than it may."""
        return max(self.worker, self.web) <= MOST_MEGABYTES

    def described(self) -> str:
        """The figures as a page of text."""
        text = (
            f"A run of a job on {self.rows:,} hosts, each with one patch installed: a CSV file of {self.megabytes:.0f} "
            f"MB with the default columns. A worker wrote it in {self.written:.0f} s, and a client fetched it without "
            f"compression in {self.fetched:.1f} s. The most memory that any process had resident meanwhile: a worker "
            f"{self.worker:.0f} MB, a web process {self.web:.0f} MB (target: {MOST_MEGABYTES} at most)."
        )
        return f"## A report of {self.rows:,} rows\n\n{fill(text, width=120)}"


def measure(*, folder: Path, base_url: str, hosts: int) -> Found:
    """Fill the service whose data are in `folder`, and let it report. Raises EmbeddedError."""
    job_id = fill_hosts(folder=folder, hosts=hosts)
    client = Client(base_url)
    client.sign_in(USERNAME, filling.PASSWORD)
    forget_peaks(folder)
    began = time.perf_counter()
    report = _ready(client, client.post(f"report/deploymentjobprogress/{job_id}", {}, status=_ACCEPTED)["id"])
    written = time.perf_counter() - began
    began = time.perf_counter()
    size = sum(len(content) for content in client.fetch(f"reports/{report['id']}/download"))
    if (size, report["rowCount"]) != (report["size"], hosts):
        raise EmbeddedError(f"{size:,} bytes came of {report}")
    return Found(
        rows=hosts,
        megabytes=size / 1e6,
        written=written,
        fetched=time.perf_counter() - began,
        worker=most_resident(folder, WORKER),
        web=most_resident(folder, WEB),
    )


def _ready(client: Client, report_id: str) -> Any:
    """The report's row, once it is written."""
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        row = client.get(f"reports/{report_id}")
        if row["status"] in {"Ready", "Failed"}:
            break
        time.sleep(0.5)
    if row["status"] != "Ready":
        raise EmbeddedError(f"The report is {row['status']}: {row['error']}")
    return row

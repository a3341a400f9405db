"""The machine that figures are of."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill


def described() -> str:
    """Processor, memory, system, versions and the day, in two sentences."""
    return fill(
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} processors ({_processor()}) and {_memory()} "
        f"GiB of memory, {platform.system()} {platform.release()}, Python {platform.python_version()}. Web, workers, "
        "Postgres, broker and the measuring client shared them.",
        width=120,
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)

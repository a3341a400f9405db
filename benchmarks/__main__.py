"""`python -m benchmarks`: measure, print, and write docs/benchmarks.md; exit code 0 only if every target was met."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import django

from benchmarks import arithmetic, machine, tick
from embedded import environment
from embedded.errors import EmbeddedError
from embedded.files import ROOT, data_folder
from embedded.service import service

PAGE = ROOT / "docs" / "benchmarks.md"


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--jobs", type=int, default=1_000_000, help="of the one customer (default: a million)")
    options.add_argument("--hosts", type=int, default=1_000_000, help="of the one run (default: a million)")
    options.add_argument("--agents", type=int, default=20_000, help="of the fleet (default: %(default)s)")
    options.add_argument("--only", choices=["arithmetic", "tick", "jobs", "report", "fleet"], help="measure this alone")
    options.add_argument("--rounds", type=int, default=7, help="alternating rounds of which medians are taken")
    options.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    return options


def main() -> int:
    """Fill servers of our own in a fresh folder, measure, and drop them."""
    options = parser().parse_args()
    folder = data_folder() / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        found = _measured(folder, options)
    except EmbeddedError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = "\n\n".join([machine.described(), *(one.described() for one in found)])
    print(f"\n{text}")
    if options.write and not options.only:
        PAGE.write_text(f"{HEAD}\n{text}\n")
    return 0 if all(one.met for one in found) else 1


def _measured(folder: Path, options: argparse.Namespace) -> list[Any]:
    """All figures that are wanted, with data below `folder`."""
    found: list[Any] = []
    if options.only in {None, "arithmetic"}:
        found.append(arithmetic.measure(rounds=options.rounds))
    if options.only in {None, "tick"}:
        found.append(tick.measure(folder=folder / "tick", jobs=options.jobs, rounds=options.rounds))
    if options.only in {None, "jobs", "report", "fleet"}:
        found += _of_service(folder / "service", options)
    return found


def _of_service(folder: Path, options: argparse.Namespace) -> list[Any]:
    """Those of a service that runs in `folder` as long as they are taken."""
    found: list[Any] = []
    with service(data_dir=folder) as running:
        environment.prepare(data_dir=folder, start=False)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        # Models can be imported once Django is set up.
        from benchmarks import fleet, job_list, long_report  # noqa: PLC0415

        if options.only in {None, "fleet"}:
            found.append(fleet.measure(folder=folder, base_url=running.base_url, agents=options.agents))
        if options.only in {None, "jobs"}:
            found.append(
                job_list.measure(folder=folder, base_url=running.base_url, jobs=options.jobs, rounds=options.rounds)
            )
        if options.only in {None, "report"}:
            found.append(long_report.measure(folder=folder, base_url=running.base_url, hosts=options.hosts))
    return found


HEAD = """# Benchmarks

`make bench` measures this on embedded servers of its own, and `make bench ARGS=--write` writes this page. What a
figure is compared with ran beside it, in turns.
"""


if __name__ == "__main__":
    sys.exit(main())

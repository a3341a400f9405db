"""`python -m chaos schedulers`: kill schedulers, and count their starts; 0 only if none was lost or doubled."""

import argparse
import os
import shutil
import time
from collections.abc import Sequence

from chaos.django_setup import set_up
from embedded.files import data_folder

BUGS = ("advance-before-insert", "insert-before-advance", "forget-what-is-late")


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    options = argparse.ArgumentParser(prog="python -m chaos schedulers", description=__doc__)
    options.add_argument("--kills", type=int, default=300, help="schedulers to be killed (default: %(default)s)")
    options.add_argument("--jobs", type=int, default=1_000, help="(default: %(default)s)")
    options.add_argument("--days", type=int, default=90, help="that pass meanwhile (default: %(default)s)")
    options.add_argument("--processes", type=int, default=4, help="schedulers at a time (default: %(default)s)")
    options.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="draw the same schedules again")
    options.add_argument("--bug", choices=BUGS, default="", help="put this mistake in: it must be found")
    return options


def main(arguments: Sequence[str]) -> int:
    """On servers of our own in a fresh folder."""
    options = parser().parse_args(arguments)
    folder = data_folder() / "chaos-schedulers"
    shutil.rmtree(folder, ignore_errors=True)
    set_up(folder)
    # Models can be imported once Django is set up.
    from django.core.management import call_command  # noqa: PLC0415

    from chaos.schedulers import proof  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    print(f"chaos: seed {options.seed}{f', with the bug {options.bug}' if options.bug else ''}")
    began = time.monotonic()
    found = proof.prove(
        owner_url=os.environ["DATABASE_OWNER_URL"],
        jobs=options.jobs,
        kills=options.kills,
        days=options.days,
        processes=options.processes,
        seed=options.seed,
        bug=options.bug,
    )
    print(found.described())
    print(f"in {time.monotonic() - began:.0f} s")
    return 0 if found.is_right else 1

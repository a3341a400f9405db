"""`python -m chaos processes`: kill everything that a running service is made of, and compare what was done with what
it says was done; 0 only where nothing was lost, doubled or left hanging."""

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from chaos.processes import faults
from chaos.processes.checks import Finding, findings
from chaos.processes.load import Load
from chaos.processes.world import world
from embedded.files import data_folder


@dataclass(frozen=True)
class Seeded:
    """How a mistake is looked for: whose it is, and what is killed so that it shows."""

    of_agents: bool
    kinds: tuple[str, ...]


BUGS = {
    "advance-before-insert": Seeded(False, ("worker",)),
    "insert-before-advance": Seeded(False, ("worker",)),
    "publish-before-commit": Seeded(False, ("agent",)),
    "forget-before-publishing": Seeded(False, ("relay",)),
    "acknowledge-early": Seeded(False, ("worker",)),
    "hand-out-again": Seeded(False, ("agent",)),
    "lost-is-failed": Seeded(False, ("agent",)),
    "ignore-idempotency-keys": Seeded(False, ("agent",)),
    "children-untied": Seeded(False, ("agent",)),
    "child-not-noted": Seeded(True, ("agent",)),
    "repeat-interrupted": Seeded(True, ("agent",)),
    "forget-before-confirmed": Seeded(True, ("web",)),
}


@dataclass(frozen=True)
class Proof:
    """One run of the harness."""

    line: str
    wrong: list[Finding]
    seconds: float


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    options = argparse.ArgumentParser(prog="python -m chaos processes", description=__doc__)
    options.add_argument("--kills", type=int, default=300, help="processes to be killed (default: %(default)s)")
    options.add_argument("--postgres", type=int, default=10, help="immediate stops of it (default: %(default)s)")
    options.add_argument("--broker", type=int, default=20, help="faults of it (default: %(default)s)")
    options.add_argument("--pace", type=float, default=2.0, help="mean seconds between two faults")
    options.add_argument("--hosts", type=int, default=6, help="of each of two customers (default: %(default)s)")
    options.add_argument("--packages", type=int, default=8, help="to be installed on each (default: %(default)s)")
    options.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="draw the same faults again")
    options.add_argument("--bug", choices=BUGS, default="", help="put this mistake in: it must be found")
    options.add_argument("--prove", action="store_true", help="put in one mistake after the other: all must be found")
    options.add_argument("--prove-kills", type=int, default=25, help="for each of them (default: %(default)s)")
    return options


def main(arguments: Sequence[str]) -> int:
    """On a service of our own in a fresh folder."""
    options = parser().parse_args(arguments)
    if options.prove:
        return prove(options)
    proof = run(options)
    print(proof.line)
    for finding in proof.wrong[:30]:
        print(f"  {finding.rule}: {finding.text}")
    return 1 if proof.wrong else 0


def run(options: argparse.Namespace) -> Proof:
    """Faults, calm, and the comparison."""
    folder = data_folder() / "chaos-processes"
    shutil.rmtree(folder, ignore_errors=True)
    random = Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
    seeded = BUGS.get(options.bug)
    count = options.kills + options.postgres + options.broker
    print(f"chaos: seed {options.seed}{f', with the bug {options.bug}' if options.bug else ''}", flush=True)
    began = time.monotonic()
    with world(
        folder,
        hosts=options.hosts,
        packages=options.packages,
        random=random,
        seconds=max(count * options.pace, 30),
        bug=options.bug,
        of_agents=bool(seeded and seeded.of_agents),
    ) as made:
        # Django is set up by now.
        from chaos.processes import gathering  # noqa: PLC0415

        print(f"chaos: the service and its agents are up after {time.monotonic() - began:.0f} s", flush=True)
        dealt = faults.Faults(made, random, only=seeded.kinds if seeded else faults.KINDS)
        loads = [Load(customer, Random(options.seed + customer.pk)) for customer in made.customers]  # noqa: S311
        for load in loads:
            load.start()
        try:
            dealt.deal(kills=options.kills, postgres=options.postgres, broker=options.broker, pace=options.pace)
            dealt.bring_all_back()
        finally:
            for load in loads:
                load.stop()
        print(f"chaos: {dict(dealt.told)}; calm after {time.monotonic() - began:.0f} s", flush=True)
        quiet = gathering.wait_quiet(made, seconds=600)
        evidence = gathering.gather(made, loads)
        wrong = findings(evidence) + [Finding("asked starts", text) for load in loads for text in load.wrong]
    seconds = time.monotonic() - began
    line = (
        f"processes: {sum(dealt.told.values())} faults ({_listed(dealt.told)}), {len(evidence.runs)} runs, "
        f"{len(evidence.tasks)} host tasks, {len(evidence.steps)} steps, {len(evidence.lines)} lines in the ledger, "
        f"{len(evidence.configured)} packages configured; quiet {quiet:.0f} s after the last fault; "
        f"{len(wrong)} wrong, in {seconds:.0f} s"
    )
    return Proof(line, wrong, seconds)


def prove(options: argparse.Namespace) -> int:
    """Each mistake in turn, a process of its own each; 0 only where every one was found."""
    from chaos.processes import proving  # noqa: PLC0415

    return proving.prove(sorted(BUGS), options)


def _listed(told: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(told.items()))

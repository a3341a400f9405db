"""Start the service, furnish it, let schemathesis ask, and say how it went: `python -m fuzz --help`."""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.files import ROOT
from embedded.service import Running, service
from fuzz.house import PASSWORD, USERNAME, House, furnish

CASES = 20_000
# Of all that a run generates, about so many cases come from one more example for each operation.
_CASES_PER_EXAMPLE = 2.0
_MOST_ROUNDS = 4
_WHERE = {
    # Names of parameters, and of fields of bodies, that take an id of each kind.
    "asset": ("path.asset_id", "query.assetId", "body.assetIds[*]", "body.exclusionAssetIds[*]"),
    "tag": ("path.tag_id", "body.parentId", "body.assetTagIds[*]", "body.exclusionTagIds[*]", "body.matchAllTagIds[*]"),
    "patch": ("path.patch_id", "query.patchId", "body.approvedPatches[*]"),
    "job": ("path.job_id", "body.linkedJobId", "body.ids[*]"),
    "user": ("body.coAuthorUserIds[*]",),
    "query": ("query.query", "body.query", "body.dynamicPatchesQQL", "body.additionalDynamicPatchesQQL"),
    "start": ("body.startDateTime",),
    "zone": ("body.timezone",),
    "duration": ("body.recurrenceInterval",),
    "mail": ("body.notification.notificationConfigs.recipientEmails[*]",),
}
_WORDS = {
    "start": ["2030-1-8 09:30:00 PM", "2031-03-30T02:30:00", "2030-12-31 23:59"],
    "zone": ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"],
    "duration": ["PT5M", "P1DT12H", "P1W"],
    "mail": ["ops@example.com", "ada@example.org"],
}
# What is never deleted, and not changed.
_KEPT = ("asset", "tag", "job")
# Of examples: fields whose ids stand for things that the house has.
_STAND_FOR = {
    "assetIds": "asset",
    "assetTagIds": "tag",
    "approvedPatches": "patch",
    "patchids": "patch",
    "patchUuid": "patch",
    "linkedJobId": "job",
    "ids": "job",
}


def main(arguments: Sequence[str]) -> int:
    """0 where nothing was found and enough was asked."""
    options = _options(arguments)
    folder = Path(options.folder or tempfile.mkdtemp(prefix="fuzz-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    env = {"TICK_SECONDS": "2", "AGENT_IDLE_POLL_SECONDS": "1", "LOG_LEVEL": "WARNING"}
    with service(data_dir=folder / "data", env=env) as running:
        house = furnish(running)
        found, asked = _rounds(options, folder, running, house)
    print(f"\n{asked} cases in {time.monotonic() - began:.0f} s; reports are in {folder}")
    if asked < options.cases:
        print(f"That is less than the {options.cases} that were wanted.", file=sys.stderr)
    return 1 if found or asked < options.cases else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="how many at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="ask the same things again")
    parser.add_argument("--only", default="", help="a regular expression: operations by their ids")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful", help="some of these alone")
    parser.add_argument("--workers", default="2", help="threads that ask (default: %(default)s)")
    parser.add_argument("--record", action="store_true", help="keep every request and answer (some 10 KB each)")
    parser.add_argument("--folder", help="where data, logs and reports go (default: a temporary folder)")
    return parser.parse_args(arguments)


def _rounds(options: argparse.Namespace, folder: Path, running: Running, house: House) -> tuple[bool, int]:
    """Ask until enough was asked; whether anything was found, and how many cases there were."""
    operations = _number_of_operations(house, options.only)
    found, asked, number = False, 0, 0
    while asked < options.cases and number < _MOST_ROUNDS:
        examples = max(1, math.ceil((options.cases - asked) / operations / _CASES_PER_EXAMPLE))
        work = folder / f"round-{number}"
        code = _ask(options, work, running, house, examples=examples, seed=options.seed + number)
        report = _report(work)
        _print(report, seed=options.seed + number)
        made = report["run"].get("test_cases", {}).get("generated", 0)
        if code not in (0, 1):
            print(f"schemathesis ended with {code}", file=sys.stderr)
        found = found or code != 0
        asked, number = asked + made, number + 1
        if not made:
            break
    return found, asked


def _number_of_operations(house: House, only: str) -> int:
    document = _document(house)
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    return max(1, sum(1 for one in ids if re.search(only, one)))


def _document(house: House) -> Any:
    """As the service itself shows it."""
    address = f"{house.client.base_url}/schema"
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - our own service
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def _furnished(document: Any, house: House) -> Any:
    """The document with the house's ids in its examples."""
    for item in document["paths"].values():
        for operation in item.values():
            for body in operation.get("requestBody", {}).get("content", {}).values():
                for example in body.get("examples", {}).values():
                    _put_ids(example["value"], house)
    return document


def _put_ids(body: Any, house: House) -> None:
    for name, kind in _STAND_FOR.items():
        if isinstance(body, dict) and body.get(name) and house.known[kind]:
            body[name] = house.known[kind][:1] if isinstance(body[name], list) else house.known[kind][0]


def _ask(options: argparse.Namespace, work: Path, running: Running, house: House, *, examples: int, seed: int) -> int:
    """One run of schemathesis; its exit code."""
    work.mkdir(parents=True, exist_ok=True)
    document = work / "openapi.json"
    document.write_text(json.dumps(_furnished(_document(house), house)))
    (work / "schemathesis.toml").write_text(_configuration(house))
    command = [
        *(os.environ.get("FUZZ_SCHEMATHESIS", str(ROOT / ".venv-fuzz" / "bin" / "schemathesis")), "--config-file"),
        *(str(work / "schemathesis.toml"), "run", str(document), "--url", running.base_url),
        *("--max-examples", str(examples), "--seed", str(seed), "--workers", options.workers),
        *("--phases", options.phases, "--report-json-path", str(work / "run.json"), "--no-color"),
        *("--warnings", "off"),
    ]
    if options.record:
        command += ["--report-vcr-path", str(work / "calls.yaml")]
    if options.only:
        command += ["--include-operation-id-regex", options.only]
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "FUZZ_URL": running.base_url,
        "FUZZ_USER": USERNAME,
        "FUZZ_PASSWORD": PASSWORD,
        "FUZZ_TOKEN": house.client.token,
        "FUZZ_AGENT": house.agent,
        "FUZZ_KEPT": ",".join(one for kind in _KEPT for one in house.known[kind]),
        "FUZZ_COUNTS": str(work / "counts.json"),
    }
    return subprocess.run(command, cwd=work, env=env, check=False).returncode


def _configuration(house: House) -> str:
    """The checked-in configuration with the house's ids and the words of our grammars."""
    words = {name: values for name, values in (house.known | _WORDS).items() if values}
    lines = [(ROOT / "fuzz" / "schemathesis.toml").read_text(), "[dictionaries]"]
    lines += [f"{name} = {{ values = {json.dumps(values)} }}" for name, values in words.items()]
    lines.append("[parameters]")
    lines += [
        f'"{place}" = {{ dictionary = "{name}", probability = 0.7 }}'
        for name, places in _WHERE.items()
        if name in words
        for place in places
    ]
    return "\n".join(lines) + "\n"


# --- telling ----------------------------------------------------------------------------------------------------------


def _report(work: Path) -> dict[str, Any]:
    """What schemathesis and the hooks wrote; nothing where it was ended before it could."""
    return {
        "run": _read(work / "run.json") or {},
        "counts": _read(work / "counts.json") or {"calls": [], "excused": []},
    }


def _read(file: Path) -> Any:
    return json.loads(file.read_text() or "null") if file.exists() else None


def _print(report: Mapping[str, Any], *, seed: int) -> None:
    """One line for each operation, and what was found."""
    by_operation: dict[str, dict[str, int]] = defaultdict(dict)
    for label, status, number in report["counts"]["calls"]:
        by_operation[label][status] = number
    print(f"\n{'calls':>7}  answers by status (seed {seed})")
    for label, statuses in sorted(by_operation.items()):
        answers = " ".join(f"{status}:{number}" for status, number in sorted(statuses.items()))
        print(f"{sum(statuses.values()):>7}  {label}  {answers}")
    for label, kind, number in report["counts"]["excused"]:
        print(f"{number:>7}  {label}  excused: {kind}")
    cases = report["run"].get("test_cases", {})
    print(f"{cases.get('generated', 0):>7}  cases in all, {cases.get('unique_failures', 0)} different failures")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

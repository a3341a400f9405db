"""Tests on several processes at once (`pytest -n 2`): each has servers of its own; a folder of journeys stays whole.

Loaded by `-p tests.workers`, before anything reads settings.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from embedded import environment, keeper

# These take longest, and each shares one fixture that is dear; the first two begin first.
_TOGETHER = ("tests/journeys/", "tests/embedded/", "tests/sdk/")


class Shares(LoadScopeScheduling):
    """A file is one worker's, and so is a folder whose tests share a service."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in _TOGETHER if nodeid.startswith(one)), None)
        return folder or nodeid.split("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """How tests are given to workers: in the order in which they stand."""
    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that the workers end together."""
    items.sort(key=lambda item: not item.nodeid.startswith(_TOGETHER))


def _take_own_servers(worker: str) -> None:
    """Every worker but the first, which has those of the command, unless somebody else's servers were named."""
    shared = Path(os.environ["DATA_DIR"])
    ours = environment.values(shared, keeper.NAMES)
    if any(os.environ.get(name) != value for name, value in ours.items()):
        raise pytest.UsageError("tests on several processes need the embedded servers: say -n 0")
    for name in ours:
        del os.environ[name]
    environment.prepare(data_dir=shared / worker, quiet=True)


_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
if _worker != "gw0" and "DATA_DIR" in os.environ:
    _take_own_servers(_worker)

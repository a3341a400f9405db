"""The generated clients do what a user of them does first: sign in, create a job, read, change and delete it."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from core.customer_context import acting_for
from deployments.models import Job
from tests.sdk.conftest import HERE, Site, run

TOLD = {
    "created": 201,
    "location": "/pm/v1/deploymentjob/{id}",
    "name": "monthly browsers",
    "platform": "Linux",
    "status": "Disabled",
    "startDateTime": "2030-1-8 09:30:00 PM",
    "patchTuesdayPlusXDays": 3,
    "recipientEmails": "ops@example.com",
    "action": "Stop the service",
    "deferment": 3,
    "notification": True,
    "renamed": "monthly browsers, renamed",
    "listed": ["monthly browsers, renamed"],
    "refused": {"status": 400, "errorCode": "1903", "field": "assetIds"},
    "deleted": True,
    "gone": 404,
}


def test_python__first_steps__are_answered(generated: Path, site: Site) -> None:
    said = run(
        [
            sys.executable,
            "-I",
            "-W",
            "error",
            "-c",
            _WITH_PATH,
            generated / "python",
            HERE / "story.py",
            *site.arguments,
        ],
        generated,
    )

    assert _told(said) == TOLD
    assert _names_of_jobs(site) == ["monthly browsers, renamed"]


# Isolated from this project: its client sees nothing of ours.
_WITH_PATH = "import runpy, sys; del sys.argv[0]; sys.path.insert(0, sys.argv.pop(0)); runpy.run_path(sys.argv[0])"


def test_typescript__first_steps__are_answered(generated: Path, typescript: Path, node: Path, site: Site) -> None:
    shutil.copytree(generated / "typescript-fetch", typescript / "client")

    run([node, typescript / "node_modules" / "typescript" / "bin" / "tsc", "--project", "."], typescript)
    said = run([node, "built/story.js", *site.arguments], typescript)

    assert _told(said) == TOLD
    assert _names_of_jobs(site) == ["monthly browsers, renamed"]


def test_python__every_module__can_be_imported(generated: Path) -> None:
    run([sys.executable, "-I", "-W", "error", "-c", _IMPORT_ALL, generated / "python"], generated)


_IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import patch_deployment
for one in pkgutil.walk_packages(patch_deployment.__path__, "patch_deployment."):
    importlib.import_module(one.name)
"""


def _told(said: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(said)
    told["location"] = told["location"].replace(told.pop("id"), "{id}")
    return told


def _names_of_jobs(site: Site) -> list[str]:
    """What was really stored: a deleted job stays as a row."""
    with acting_for(site.person.customer.pk):
        return list(Job.objects.for_customer(site.person.customer.pk).values_list("name", flat=True))

"""Pre- and post-actions of a job: those that have a place in it."""

from collections.abc import Iterator

from actions import Action, ScriptPath, misplaced
from actions.scripts import FIELDS
from core.errors import EXCLUDES
from core.shapes import Report, Values
from deployments.models.choices import Stage

MAX_ACTIONS = 50
STAGES = {"pre_deploy_actions": Stage.PRE, "post_deploy_actions": Stage.POST}
_WIRE = {"pre_deploy_actions": "preDeployActions", "post_deploy_actions": "postDeployActions"}

__all__ = ["MAX_ACTIONS", "STAGES", "Action", "ScriptPath", "actions_fit_the_job", "script_paths"]


def actions_fit_the_job(values: Values, report: Report) -> None:
    """Some are for one platform alone, or only before the patches."""
    for path, stage, action in _read(report):
        params = report.inner(f"{path}.params")
        for place, message in misplaced(action, params, platform=values.get("platform"), stage=stage):
            report.add(f"{path}.{place}", "excludes", message, EXCLUDES)


def script_paths(report: Report) -> Iterator[tuple[str, ScriptPath]]:
    """(where it stands, the path) of every stored script that a job names."""
    for path, _, action in _read(report):
        for field, name in FIELDS.items():
            if isinstance(script := action.get(field), ScriptPath):
                yield f"{path}.{name}", script


def _read(report: Report) -> Iterator[tuple[str, Stage, Values]]:
    """(path, stage, what could be read) of each action: one in error must not hide what is wrong with the others."""
    for name, stage in STAGES.items():
        for index in range(MAX_ACTIONS):
            path = f"{_WIRE[name]}[{index}]"
            if (action := report.inner(path)) is not None:
                yield path, stage, action

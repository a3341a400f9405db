"""What the endpoint is told of an action."""

import base64
import hashlib

import pytest

import actions
from actions.kinds import ActionKind

SCRIPT = "echo hällo\n".encode()


def _action(stage: str) -> dict:
    return {
        "actionId": "7f1e8c1c-0000-4000-8000-000000000000",
        "stage": stage,
        "action": "Run Script",
        "params": {"actionItem": "say hello", "timeout": 180, "remediationScope": False},
        "script": base64.b64encode(SCRIPT).decode(),
        "scriptType": "sh",
    }


@pytest.mark.parametrize(("stage", "told"), [("predeploy", "pre"), ("postdeploy", "post")])
def test_tell__run_script__is_all_that_the_agent_needs(stage: str, told: str) -> None:
    assert actions.tell(_action(stage)) == {
        "kind": "action",
        "stage": told,
        "actionId": "7f1e8c1c-0000-4000-8000-000000000000",
        "action": "Run Script",
        "name": "say hello",
        "timeout": 180,
        "scriptType": "sh",
        "script": base64.b64encode(SCRIPT).decode(),
        "sha256": hashlib.sha256(SCRIPT).hexdigest(),
    }


def test_kinds__each_that_a_client_may_name__can_be_told() -> None:
    assert actions.KINDS.keys() == set(ActionKind)

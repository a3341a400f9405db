"""The shapes that stand in an answer where a client sent nothing."""

from typing import Any


def deferment() -> dict[str, Any]:
    """How often and for how long the person at the machine may put off."""
    return {"count": 3, "interval": 1, "intervalUnit": "HOURS"}


def message() -> dict[str, Any]:
    """No prompt."""
    return {"userMessage": "", "description": ""}


def pre_deployment() -> dict[str, Any]:
    """No prompt before."""
    return message() | {"deferment": deferment()}


def during_deployment() -> dict[str, Any]:
    """No prompt meanwhile."""
    return message()


def post_deployment() -> dict[str, Any]:
    """No prompt after, no forced reboot dialogue."""
    return {
        "suppressReboots": False,
        "rebootOption": message() | {"deferment": deferment()},
        "rebootCountdown": message() | {"interval": 15, "intervalUnit": "MINUTES"},
        "onComplete": message() | {"alwaysShowCompletedPrompt": False},
        "rebootHonorOnUserLogin": False,
    }

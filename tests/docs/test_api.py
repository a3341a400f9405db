"""docs/api.md says of refused fields and of error codes what the code says."""

import re
from pathlib import Path

from django.conf import settings
from pydantic import BaseModel, BeforeValidator

from core import errors
from deployments.definition import Action, JobDefinition, Notification
from deployments.definition.notification import NotificationConfigs, NotificationTypes
from tests.factories import Person

PAGE = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
CODES = {value for name, value in vars(errors).items() if name.isupper() and str(value).isdigit()}


def refused(shape: type[BaseModel], within: str = "") -> set[str]:
    """Wire names of the fields that are declared `not_yet`."""
    return {
        within + str(info.alias)
        for info in shape.model_fields.values()
        if any(
            isinstance(one, BeforeValidator) and one.func.__qualname__.startswith("not_yet") for one in info.metadata
        )
    }


def test_api__refused_fields__are_those_that_the_code_refuses() -> None:
    listed = re.search(r"- These fields,.*?:\n(.*?)\.\n\n", PAGE, re.DOTALL)
    in_code = (
        refused(JobDefinition)
        | refused(Action, "actions: ")
        | refused(NotificationTypes, "notification.notificationTypes.")
        | refused(NotificationConfigs, "notification.notificationConfigs.")
        | refused(Notification, "notification.")
    )

    assert listed is not None
    assert {re.sub(r"\s+", " ", one) for one in re.findall(r"`([^`]+)`", listed[1])} == in_code


def test_api__error_codes__are_all_listed() -> None:
    assert set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)) == CODES


def test_api__the_documented_error__is_the_one_that_is_answered(ada: Person) -> None:
    answer = ada.post("deploymentjob", {"nam": "x"}).json()

    assert "nam: unknown key 'nam'; did you mean 'name'?" in PAGE
    assert answer["message"] == "nam: unknown key 'nam'; did you mean 'name'?"

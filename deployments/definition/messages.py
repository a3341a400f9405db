"""What the person at the machine is told, asked and granted: before, during and after the patches.

The defaults of these shapes are what an answer shows where a client sent nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from core.shapes import Flag, Report, Shape, Text, Values, WholeNumber, choice
from deployments.definition.values import MINUTES_IN, OnlyOn
from deployments.models.choices import TimeoutUnit
from inventory.models import Platform

MAX_MESSAGE = 4_000
# In minutes.
_LONGEST_DEFERMENT = 168 * 60
_LONGEST_COUNTDOWN = 24 * 60
UserText = Annotated[Text, Field(max_length=MAX_MESSAGE)]


def _deferment_is_in_range(values: Values, report: Report) -> None:
    """All deferments together: at most a week."""
    if not values.sound("count", "interval", "interval_unit"):
        return
    whole = values.get("count") * values.get("interval") * MINUTES_IN[values.get("interval_unit")]
    if whole > _LONGEST_DEFERMENT:
        report.add("interval", "invalid", "count times interval must be 168 hours or less")


def _countdown_is_in_range(values: Values, report: Report) -> None:
    if not values.sound("interval", "interval_unit"):
        return
    if values.get("interval") * MINUTES_IN[values.get("interval_unit")] > _LONGEST_COUNTDOWN:
        report.add("interval", "invalid", "must be 24 HOURS or 1440 MINUTES, or less")


class Deferment(Shape):
    """How often, and for how long each time, the person at the machine may put off."""

    shape_rules: ClassVar = (_deferment_is_in_range,)

    count: Annotated[WholeNumber, Field(ge=0, le=168, description="How often; 0 is never.")] = 3
    interval: Annotated[WholeNumber, Field(ge=1, le=10_080, description="How long each time.")] = 1
    interval_unit: Annotated[TimeoutUnit, choice(TimeoutUnit)] = TimeoutUnit.HOURS


class Message(Shape):
    """A message. An empty `userMessage` is no prompt, and no deferment. A text in its place is both texts."""

    user_message: Annotated[UserText, Field(description="The title; empty for no prompt.")] = ""
    description: Annotated[UserText, Field(description="What stands below the title.")] = ""

    @classmethod
    def prepare(cls, data: object) -> object:
        """A text is both."""
        return {"userMessage": data, "description": data} if isinstance(data, str) else data


class DeferrableMessage(Message):
    """A message that the person may answer with 'later'."""

    deferment: Deferment = Deferment()


class RebootCountdown(Message):
    """The last message before a restart, with the time that is left."""

    shape_rules: ClassVar = (_countdown_is_in_range,)

    interval: Annotated[WholeNumber, Field(ge=1, le=1_440, description="How long it counts down.")] = 15
    interval_unit: Annotated[TimeoutUnit, choice(TimeoutUnit)] = TimeoutUnit.MINUTES


class OnComplete(Message):
    """The message when all is done."""

    always_show_completed_prompt: Annotated[
        Flag, OnlyOn(Platform.WINDOWS), Field(description="Show it also where nothing was done. Windows only.")
    ] = False


class PostDeployment(Shape):
    """What follows the patches. A text in its place is that of `onComplete`."""

    suppress_reboots: Annotated[Flag, Field(description="Leave the restart to the person.")] = False
    reboot_option: Annotated[DeferrableMessage, Field(description="Asks for the restart.")] = DeferrableMessage()
    reboot_countdown: Annotated[RebootCountdown, Field(description="Tells that it is near.")] = RebootCountdown()
    on_complete: Annotated[OnComplete, Field(description="Tells that all is done.")] = OnComplete()
    reboot_honor_on_user_login: Annotated[
        Flag, Field(description="Ask also who signs in later; else a machine without a person restarts at once.")
    ] = False

    @classmethod
    def prepare(cls, data: object) -> object:
        """A text is onComplete's."""
        return {"onComplete": data} if isinstance(data, str) else data


def said(message: Shape) -> dict[str, Any]:
    """A message as it is stored and answered."""
    return message.model_dump(mode="json", by_alias=True)


# Fields of `postDeployment`, by their wire names, which may stand at the top level of the body as well.
TOP_LEVEL = ("suppressReboots", "rebootOption", "rebootCountdown", "onComplete", "rebootHonorOnUserLogin")
PROMPT = "alwaysShowCompletedPrompt"
_MESSAGES = ("rebootOption", "rebootCountdown", "onComplete")


def gathered(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body with texts as the messages they stand for, and `postDeployment` with what stands beside it.

    What cannot be read is left where it is, for its field to complain of.
    """
    opened = {**body, **{key: _message(body[key]) for key in ("preDeployment", "duringDeployment") if key in body}}
    moved = {key: body[key] for key in TOP_LEVEL if key in body}
    if PROMPT in body:
        moved["onComplete"] = _with(_message(moved.get("onComplete")), {PROMPT: body[PROMPT]})
    after = PostDeployment.prepare(body.get("postDeployment"))
    if after in (None, "null"):
        after = {}
    if not isinstance(after, Mapping) or not (moved or after):
        return opened
    for key, value in moved.items():
        after = {**after, key: _with(_message(after.get(key)), _message(value)) if key in _MESSAGES else value}
    after = {key: _message(value) if key in _MESSAGES else value for key, value in after.items()}
    return {key: value for key, value in opened.items() if key not in {*TOP_LEVEL, PROMPT}} | {"postDeployment": after}


def _message(value: object) -> Any:
    return None if value in (None, "", "null") else Message.prepare(value)


def _with(before: Any, more: Any) -> Any:
    return {**before, **more} if isinstance(before, Mapping) and isinstance(more, Mapping) else more

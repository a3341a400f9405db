"""How the work on a machine is done: downloads, repeated attempts, what a failure stops."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from core.errors import MISSING
from core.shapes import Flag, Report, Shape, Values, WholeNumber, choice
from deployments.definition.messages import (
    DeferrableMessage,
    Message,
    OnComplete,
    PostDeployment,
    RebootCountdown,
)
from deployments.definition.values import MINUTES_IN, OnlyOn
from deployments.models.choices import TimeoutUnit
from inventory.models import Platform

_LONGEST_WAIT = 120
_AFTER = "Stands in postDeployment; is also read here."
_REATTEMPTS = "reattemptFailedPatches"
RETRIES = ("noOfReattempts", "exponentialBackoffInterval")


class Reattempts(Shape):
    """How often failed patches are tried again: each time after twice as long, inside the window."""

    no_of_reattempts: Annotated[WholeNumber, Field(ge=1, le=5, description="How often.")]
    exponential_backoff_interval: Annotated[
        WholeNumber, Field(ge=1, le=15, description="Minutes before the first new attempt; twice as long each time.")
    ]


class ConductFields(Shape):
    """The fields of a job that say how."""

    pre_deployment: Annotated[DeferrableMessage, Field(description="Before the patches. A text is both texts.")] = (
        DeferrableMessage()
    )
    during_deployment: Annotated[Message, Field(description="Meanwhile. A text is both texts.")] = Message()
    post_deployment: Annotated[
        PostDeployment, Field(description="After the patches. A text is that of onComplete.")
    ] = PostDeployment()
    suppress_reboots: Annotated[Flag | None, Field(description=_AFTER)] = None
    reboot_option: Annotated[DeferrableMessage | None, Field(description=_AFTER)] = None
    reboot_countdown: Annotated[RebootCountdown | None, Field(description=_AFTER)] = None
    on_complete: Annotated[OnComplete | None, Field(description=_AFTER)] = None
    reboot_honor_on_user_login: Annotated[Flag | None, Field(description=_AFTER)] = None
    always_show_completed_prompt: Annotated[
        Flag | None,
        OnlyOn(Platform.WINDOWS),
        Field(description="Stands in postDeployment.onComplete; is also read here. Windows only."),
    ] = None
    minimize_window: Annotated[
        Flag, OnlyOn(Platform.WINDOWS), Field(description="Show messages minimised. Windows only.")
    ] = False
    opportunistic_downloads: Annotated[
        Flag, OnlyOn(Platform.WINDOWS), Field(description="Machines may download before the start. Windows only.")
    ] = False
    continue_on_patch_failure: Annotated[
        Flag, OnlyOn(Platform.LINUX), Field(description="Go on with the next patch when one fails. Linux only.")
    ] = False
    download_randomize_time: Annotated[
        WholeNumber | None,
        Field(
            ge=0,
            le=120,
            description="Each machine waits a random share of this before it downloads: at most 2 HOURS or 120 "
            "MINUTES, and less than the window.",
        ),
    ] = None
    download_randomize_time_unit: Annotated[
        TimeoutUnit | None, choice(TimeoutUnit), Field(description="Of downloadRandomizeTime; HOURS where absent.")
    ] = None
    enable_reattempt_failed_patches: Annotated[
        Flag | None, Field(description="Try failed patches again. Follows reattemptFailedPatches where absent.")
    ] = None
    reattempt_failed_patches: Annotated[
        Reattempts | None,
        Field(description="How. May also be `true`, with the two numbers at the top level of the body."),
    ] = None
    no_of_reattempts: Annotated[
        WholeNumber | None, Field(ge=1, le=5, description="Stands in reattemptFailedPatches; is also read here.")
    ] = None
    exponential_backoff_interval: Annotated[
        WholeNumber | None, Field(ge=1, le=15, description="Stands in reattemptFailedPatches; is also read here.")
    ] = None
    custom_patch_url_id: Annotated[
        WholeNumber | None,
        Field(
            alias="customPatchURLId",
            ge=1,
            description="From /pm/v1/custompatchurls: the base URL that machines download from.",
        ),
    ] = None


def gathered_reattempts(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body with `reattemptFailedPatches: true` and the two numbers beside it as the object they stand for."""
    sent, numbers = body.get(_REATTEMPTS), {key: body[key] for key in RETRIES if body.get(key) is not None}
    word = "null" if sent is None or sent == "" else str(sent).strip().lower()
    rest = {key: one for key, one in body.items() if key not in RETRIES}
    if word in {"false", "0"}:
        return {**rest, _REATTEMPTS: None, "enableReattemptFailedPatches": False}
    if word in {"true", "1"} or (word == "null" and numbers):
        return {**rest, _REATTEMPTS: numbers}
    return {**rest, _REATTEMPTS: {**sent, **numbers}} if isinstance(sent, Mapping) else body


def _reattempts_are_told(values: Values, report: Report) -> None:
    if not values.sound("enable_reattempt_failed_patches", "reattempt_failed_patches"):
        return
    if values.get("enable_reattempt_failed_patches") and values.get("reattempt_failed_patches") is None:
        message = "is required when enableReattemptFailedPatches is true"
        report.add("reattempt_failed_patches", "required", message, MISSING)


def _wait_fits_the_window(values: Values, report: Report) -> None:
    names = ("download_randomize_time", "download_randomize_time_unit", "timeout", "timeout_unit")
    if not values.sound(*names) or not values.get("download_randomize_time"):
        return
    wait = values.get("download_randomize_time") * MINUTES_IN[values.get(names[1]) or TimeoutUnit.HOURS]
    if wait > _LONGEST_WAIT:
        report.add("download_randomize_time", "invalid", "must be 2 HOURS or 120 MINUTES, or less")
    elif values.get("timeout") != -1 and wait >= values.get("timeout") * MINUTES_IN[values.get("timeout_unit")]:
        report.add("download_randomize_time", "invalid", "must be less than the patch window (timeout)")


CONDUCT_RULES = (_reattempts_are_told, _wait_fits_the_window)

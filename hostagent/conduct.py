"""How a job wants its work done on this machine, as the manifest's `conduct` says it. What is absent is the default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

# Minutes, by the protocol's words.
_MINUTES = {"MINUTES": 1, "HOURS": 60}
# All deferments of one question together.
LONGEST_DEFERMENT = timedelta(hours=168)
_LONGEST_COUNTDOWN = timedelta(hours=24)
_LONGEST_SHARE = timedelta(hours=2)
_MOST_RETRIES = 5
_LONGEST_PAUSE = 15


@dataclass(frozen=True)
class Message:
    """A title and what stands below it. Without a title nothing is shown."""

    title: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.title)


@dataclass(frozen=True)
class Deferment:
    """How often the person may answer "later", and how long that is each time."""

    count: int = 0
    interval: timedelta = timedelta(0)


@dataclass(frozen=True)
class Question:
    """A message that may be answered with "later"."""

    message: Message = Message()
    deferment: Deferment = Deferment()


@dataclass(frozen=True)
class Restart:
    """How the machine is restarted: asked for, counted down, or left to the person."""

    suppressed: bool = False
    option: Question = Question()
    countdown: Message = Message()
    counts_down_for: timedelta = timedelta(minutes=15)
    asks_who_signs_in_later: bool = False


@dataclass(frozen=True)
class Retries:
    """`count` further tries of what failed, the first after `pause`, each next after twice as long."""

    count: int
    pause: timedelta

    def pause_before(self, number: int) -> timedelta:
        """How long to wait before the retry of this number, which counts from 1."""
        return self.pause * (1 << (number - 1))


@dataclass(frozen=True)
class Conduct:
    """The whole. `download_within` is the time over which a job's machines spread their downloads."""

    before: Question = Question()
    during: Message = Message()
    completed: Message = Message()
    always_shows_completed: bool = False
    restart: Restart = field(default_factory=Restart)
    minimised: bool = False
    downloads_early: bool = False
    continues_on_patch_failure: bool = False
    download_within: timedelta = timedelta(0)
    retries: Retries | None = None
    patch_url: str | None = None


def read(content: Any, *, hears: frozenset[str]) -> Conduct:
    """The conduct of a manifest. ValueError or TypeError for a number that is none.

    `hears` are the kinds of report, beyond the first ones, that the server takes. A server that hears nothing of a
    wait would hold the machine for lost: of such a one only what decides what is done is followed, not when.
    """
    content = _mapping(content)
    after = _mapping(content.get("after"))
    if not hears >= REPORTED:
        return Conduct(
            continues_on_patch_failure=content.get("continueOnPatchFailure") is True,
            restart=Restart(suppressed=after.get("suppressReboots") is True),
        )
    completed = _mapping(after.get("onComplete"))
    return Conduct(
        before=_question(content.get("before")),
        during=_message(content.get("during")),
        completed=_message(completed),
        always_shows_completed=completed.get("alwaysShowCompletedPrompt") is True,
        restart=_restart(after),
        minimised=content.get("minimizeWindow") is True,
        downloads_early=content.get("opportunisticDownloads") is True,
        continues_on_patch_failure=content.get("continueOnPatchFailure") is True,
        download_within=min(timedelta(minutes=_number(content.get("downloadWithinMinutes"))), _LONGEST_SHARE),
        retries=_retries(content.get("retries")),
        patch_url=str(content["patchUrl"]) if content.get("patchUrl") else None,
    )


# What is said of all this: docs/agent-protocol.md, "Report".
REPORTED = frozenset({"shown", "asked", "answered", "waiting", "step_tried", "downloaded"})


def _message(content: Any) -> Message:
    content = _mapping(content)
    return Message(str(content.get("userMessage") or "").strip(), str(content.get("description") or "").strip())


def _question(content: Any) -> Question:
    deferment = _mapping(_mapping(content).get("deferment"))
    return Question(_message(content), Deferment(_number(deferment.get("count")), _duration(deferment)))


def _restart(after: Mapping[str, Any]) -> Restart:
    countdown = _mapping(after.get("rebootCountdown"))
    return Restart(
        suppressed=after.get("suppressReboots") is True,
        option=_question(after.get("rebootOption")),
        countdown=_message(countdown),
        counts_down_for=min(_duration(countdown) or Restart.counts_down_for, _LONGEST_COUNTDOWN),
        asks_who_signs_in_later=after.get("rebootHonorOnUserLogin") is True,
    )


def _retries(content: Any) -> Retries | None:
    content = _mapping(content)
    count = min(_number(content.get("count")), _MOST_RETRIES)
    return Retries(count, timedelta(minutes=min(_number(content.get("minutes")), _LONGEST_PAUSE))) if count else None


def _duration(content: Mapping[str, Any]) -> timedelta:
    minutes = _number(content.get("interval")) * _MINUTES.get(str(content.get("intervalUnit")), 60)
    return min(timedelta(minutes=minutes), LONGEST_DEFERMENT)


def _number(content: Any) -> int:
    return min(max(int(content or 0), 0), 1_000_000)


def _mapping(content: Any) -> Mapping[str, Any]:
    return content if isinstance(content, Mapping) else {}

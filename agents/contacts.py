"""Who an agent is told apart by, besides its credential: the token that the last answer gave, followed by one alone.

Each check-in that reaches the database carries that token and a mark: a random word that the agent wrote down before it
sent the request, and lets go of when it has read the answer. A copy of the agent's folder has the token, but not the
mark of the next request. So a token that comes again with the same mark is a request whose answer was lost, and a token
that comes with another mark, after it was followed, comes from a copy.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Sent:
    """What an agent says: the number and the token of the last answer that it has, and the mark of this request.

    `proof` repeats what a refusal told it, and so shows that somebody reads the answers.
    """

    sequence: int
    token: str
    mark: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What we know: the token that stands (None: whichever comes is right), and the one before, with its mark."""

    sequence: int
    token: str | None
    previous_token: str = ""
    previous_mark: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """The answer's half. `again`: an earlier answer that got lost, given once more."""

    sequence: int
    token: str
    again: bool = False


class Verdict(Enum):
    """What a check-in is."""

    NEXT = "next"
    ANSWER_LOST = "answer lost"
    WE_ARE_BEHIND = "we are behind"
    FOLLOWED = "followed"


def judge(held: Held, sent: Sent) -> Verdict:
    """What this check-in is, given what we hold.

    An agent that has a higher number than ours was answered by a database that is gone: ours was restored from before.
    """
    if held.token is None or hmac.compare_digest(held.token, sent.token):
        return Verdict.NEXT
    if held.previous_mark and (held.previous_token, held.previous_mark) == (sent.token, sent.mark):
        return Verdict.ANSWER_LOST
    if sent.sequence > held.sequence:
        return Verdict.WE_ARE_BEHIND
    return Verdict.FOLLOWED


def after(held: Held, sent: Sent) -> Held:
    """What we hold once the check-in is answered with a new token."""
    return Held(
        sequence=max(held.sequence, sent.sequence) + 1,
        token=secrets.token_urlsafe(24),
        previous_token=sent.token,
        previous_mark=sent.mark,
    )

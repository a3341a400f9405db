"""What can be said to the person at the machine, and answered."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """What is put before the person.

    `kind` says what it is about: `before`, `during`, `completed`, `reboot`, `countdown`. `deferrals` are those that are
    left, `seconds` how long it stands (a countdown: until it happens). `minimised` asks for no foreground.
    """

    kind: str
    title: str
    text: str = ""
    deferrals: int = 0
    defers_for: str = ""
    seconds: int = 0
    minimised: bool = False


class Dialog(ABC):
    """A question that stands on a screen."""

    @abstractmethod
    def answer(self) -> str | None:
        """`now` or `defer`; None while nobody has answered. Does not wait."""

    @abstractmethod
    def close(self) -> None:
        """Take it away. Harmless when it is gone."""


class Prompter(ABC):
    """One machine's way to its people. Nothing here raises for a screen that cannot be reached: it is as if empty."""

    @abstractmethod
    def is_anybody(self) -> bool:
        """Whether somebody is signed in, though it be where nothing can be asked."""

    @abstractmethod
    def can_answer(self) -> bool:
        """Whether somebody is signed in who can be asked."""

    @abstractmethod
    def show(self, notice: Notice) -> bool:
        """Show it to all who are signed in, and do not wait; whether there was anybody."""

    @abstractmethod
    def ask(self, notice: Notice) -> Dialog:
        """Ask those who can answer; the first answer counts."""

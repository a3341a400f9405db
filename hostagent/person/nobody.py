"""A machine that nobody sits at."""

from hostagent.person.base import Dialog, Notice, Prompter


class Silence(Dialog):
    """A question that nobody sees."""

    def answer(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class Nobody(Prompter):
    """Says nothing to nobody."""

    def is_anybody(self) -> bool:
        return False

    def can_answer(self) -> bool:
        return False

    def show(self, notice: Notice) -> bool:
        return False

    def ask(self, notice: Notice) -> Dialog:
        return Silence()

"""Rows with a state."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from core import events
from core.errors import Conflict


class Moving(models.Model):
    """A row with a state that changes only by legal moves, each with its event in the same transaction."""

    MOVES: ClassVar[Mapping[Any, Collection[Any]]]
    EVENT: ClassVar[str]

    # Each kind of row declares its own choices and length.
    state: Any

    class Meta:
        abstract = True

    def move_to(
        self, state: str, *, at: datetime, data: Mapping[str, Any] | None = None, told_as: str = "", **changes: Any
    ) -> None:
        """Go from the state that this object shows to `state`, setting `changes` with it.

        The event is called after the new state, or `told_as` where the state alone does not say what happened.
        Raises Conflict where the move is illegal, or where the row has meanwhile left the old state: somebody else was
        first.
        """
        if state not in self.MOVES[self.state]:
            raise Conflict(f"This {self.EVENT.replace('_', ' ')} is {self.state}; it cannot become {state}.")
        changes |= {"state": state, "state_changed_at": at}
        rows: models.QuerySet[Any] = type(self)._default_manager.all()
        moved = rows.filter(pk=self.pk, state=self.state).update(**changes)
        if not moved:
            raise Conflict(f"This {self.EVENT.replace('_', ' ')} has just been changed by somebody else.")
        for name, value in changes.items():
            setattr(self, name, value)
        events.record(kind=f"{self.EVENT}.{told_as or state.lower()}", at=at, data=data, **self.event_ids())

    def event_ids(self) -> dict[str, Any]:
        """The ids that this row's events carry."""
        raise NotImplementedError

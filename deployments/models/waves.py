"""Runs in waves: the waves themselves, and the halts of a run of which too much failed."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from deployments.models.choices import HaltEnding
from deployments.models.moving import Moving
from deployments.models.runs import Run
from deployments.states import WAVE_MOVES, WaveState
from tenants.models import CustomerOwned, SameCustomerKey, User


class RunWave(Moving, CustomerOwned):
    """Some of a run's hosts, which begin together once the wave before has ended and soaked."""

    MOVES = WAVE_MOVES
    EVENT = "wave"

    run = SameCustomerKey(Run, on_delete=models.CASCADE, related_name="waves", db_index=False)
    number = models.SmallIntegerField()
    # How many hosts it got when the run found them out.
    hosts = models.IntegerField()
    soak_minutes = models.IntegerField()
    state = models.CharField(max_length=16, choices=WaveState.choices)
    state_changed_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    # When the last of its hosts had ended or was lost; from then on it soaks.
    ended_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "run", "number"], name="one_wave_per_number_of_a_run"),
            models.UniqueConstraint(
                fields=["customer", "run"],
                condition=Q(state__in=[WaveState.OPEN, WaveState.SOAKING]),
                name="one_wave_of_a_run_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) ^ Q(state__in=[WaveState.CLOSED, WaveState.SKIPPED]),
                name="a_wave_is_closed_if_and_only_if_it_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"wave {self.number}"

    def event_ids(self) -> dict[str, Any]:
        """Customer, job and run."""
        return self.run.event_ids()

    @property
    def soaks_until(self) -> datetime | None:
        """When the next wave may open; None while its hosts have not ended."""
        return None if self.ended_at is None else self.ended_at + timedelta(minutes=self.soak_minutes)


class RunHalt(CustomerOwned):
    """That a run was halted: by which figures, and what a person made of it."""

    run = SameCustomerKey(Run, on_delete=models.CASCADE, related_name="halts", db_index=False)
    halted_at = models.DateTimeField()
    # Which wave was open.
    wave = models.SmallIntegerField()
    # So many of the hosts that did their work failed, by the rule that the run has.
    failed = models.IntegerField()
    sampled = models.IntegerField()
    percent = models.SmallIntegerField()
    min_sample = models.IntegerField()
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=16, choices=HaltEnding.choices, blank=True)
    # Nobody where the run ended by itself.
    ended_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "run"], condition=Q(ended_at=None), name="one_halt_of_a_run_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ending="") | Q(ended_at__isnull=False) & ~Q(ending=""),
                name="a_halt_has_ended_if_and_only_if_it_says_how",
            ),
            models.CheckConstraint(
                condition=Q(ended_by=None) ^ Q(ending__in=[HaltEnding.RESUMED, HaltEnding.CANCELED]),
                name="a_person_resumes_or_cancels_a_halted_run",
            ),
        ]
        indexes: ClassVar = [
            # One run's, in order.
            models.Index(fields=["run", "halted_at"], name="halt_of_run"),
        ]

    def __str__(self) -> str:
        return f"{self.failed} of {self.sampled} failed"

    @property
    def why(self) -> str:
        """In words."""
        return (
            f"{self.failed} of {self.sampled} hosts failed; "
            f"the run halts at {self.percent} % of {self.min_sample} or more"
        )

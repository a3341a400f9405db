"""Numbers that count a customer's things from 1."""

from typing import ClassVar

from django.db import models

from tenants.models import CustomerOwned


class Counted(models.TextChoices):
    """What is counted."""

    ASSETS = "assets"
    CUSTOM_PATCH_URLS = "custompatchurls"


class Counter(CustomerOwned):
    """The last number that was given. None is given twice, also when the highest is deleted."""

    name = models.CharField(max_length=32, choices=Counted.choices)
    last = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "name"], name="one_counter_of_a_name_per_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.last}"

"""Places of a customer's own that endpoints download patches from."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.models import CustomerOwned, SameCustomerKey, User


class CustomPatchUrl(CustomerOwned):
    """A base URL; a job may name it."""

    # What the API calls its id: counted within the customer.
    number = models.IntegerField()
    name = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=2_000)
    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "number"], name="one_custom_patch_url_of_a_number"),
            models.UniqueConstraint(fields=["customer", "url"], name="one_custom_patch_url_of_an_address"),
        ]

    def __str__(self) -> str:
        return self.url

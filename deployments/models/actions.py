"""What is done on a machine before and after the patches of a job."""

import uuid
from typing import ClassVar

from django.db import models

from deployments.models.choices import Stage
from deployments.models.jobs import Job
from tenants.models import CustomerOwned, SameCustomerKey


class JobAction(CustomerOwned):
    """A pre- or post-action of a job. Its scripts are stored here once and answered as paths.

    `params` are those of the wire, less what follows from the job. A script is null where none was sent, and no bytes
    where an empty one was.
    """

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="actions")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    position = models.IntegerField()
    action = models.CharField(max_length=32)
    params = models.JSONField(default=dict)
    script = models.BinaryField(null=True)
    script_type = models.CharField(max_length=8, null=True)
    detection_script = models.BinaryField(null=True)
    detection_script_type = models.CharField(max_length=8, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "job", "stage", "position"], name="one_action_per_place_of_a_job"
            ),
        ]

"""What was said of one host of a run is read from the events."""

from django.db import migrations, models
from django.db.models import Q

_KINDS = [
    "host_task.answered",
    "host_task.asked",
    "host_task.downloaded",
    "host_task.shown",
    "host_task.step_tried",
    "host_task.waiting",
]


class Migration(migrations.Migration):
    dependencies = [("core", "0003_answers_as_text")]

    operations = [
        migrations.AddIndex(
            "event",
            models.Index(
                fields=["customer_id", "host_task_id", "id"], condition=Q(kind__in=_KINDS), name="event_remark"
            ),
        ),
    ]

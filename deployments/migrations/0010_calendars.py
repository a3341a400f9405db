"""The calendars that a job names, in a table that refuses another customer's."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.models
from core.walls import scheduler_sees, wall


class Migration(migrations.Migration):
    dependencies = [
        ("calendars", "0002_walls"),
        ("deployments", "0009_feeds"),
        ("tenants", "0003_customer_of_name"),
    ]

    operations = [
        # Nothing but null was ever accepted for it.
        migrations.RemoveField("job", "calendar_ids"),
        migrations.CreateModel(
            name="JobCalendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                (
                    "calendar",
                    tenants.models.SameCustomerKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="calendars.calendar",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.customer",
                    ),
                ),
                (
                    "job",
                    tenants.models.SameCustomerKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_links",
                        to="deployments.job",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "job", "calendar"), name="a_job_names_a_calendar_once"
                    )
                ],
            },
        ),
        *wall("deployments_jobcalendar", references={"job_id": "deployments_job", "calendar_id": "calendars_calendar"}),
        # The tick: which calendars hold the jobs back that are due.
        *scheduler_sees("deployments_jobcalendar", columns=["id", "customer_id", "job_id", "calendar_id"]),
    ]

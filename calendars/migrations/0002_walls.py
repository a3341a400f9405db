"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import scheduler_sees, wall


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls"), ("calendars", "0001_initial")]

    operations = [
        *wall(
            "calendars_calendar",
            references={"created_by_id": "tenants_user", "updated_by_id": "tenants_user"},
        ),
        *wall("calendars_freeze", references={"calendar_id": "calendars_calendar"}),
        *wall("calendars_customerpause", references={"paused_by_id": "tenants_user"}),
        # The sweep: which calendars have to be looked after. The tick: which of them hold whom back.
        *scheduler_sees(
            "calendars_calendar",
            columns=["id", "customer_id", "name", "is_global", "due_at", "refresh_minutes"],
            updates=["due_at"],
        ),
        *scheduler_sees(
            "calendars_freeze",
            columns=[
                "id", "customer_id", "calendar_id", "starts_at", "ends_at", "summary", "block_starts_at", "block_ends_at"
            ],
        ),
        *scheduler_sees("calendars_customerpause", columns=["id", "customer_id", "reason", "paused_at"]),
        # No customer's. Everybody asks it; commands, which work as the worker's role, change it.
        migrations.RunSQL(
            [
                "GRANT SELECT ON calendars_servicepause TO patch_web, patch_worker, patch_scheduler",
                "GRANT INSERT, UPDATE, DELETE ON calendars_servicepause TO patch_worker",
            ],
            migrations.RunSQL.noop,
        ),
    ]

"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import open_to_all, scheduler_sees, wall


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        *wall("core_event", append_only=True),
        *wall("core_message"),
        *wall("core_idempotencykey"),
        *scheduler_sees("core_idempotencykey", columns=["id", "created_at"], deletes=True),
        *open_to_all("core_heartbeat"),
        # The tick writes events and messages of many customers in one statement; the relay publishes what is due.
        *scheduler_sees("core_event", columns=["id"], inserts=True),
        *scheduler_sees(
            "core_message",
            columns=["id", "customer_id", "event_id", "task", "due_at", "attempts", "created_at"],
            updates=["due_at", "attempts"],
            inserts=True,
        ),
    ]

"""The first answers to repeated requests keep the order of their keys: as text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_walls")]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE core_idempotencykey ALTER COLUMN answer TYPE text USING coalesce(answer::text, 'null')",
                "ALTER TABLE core_idempotencykey ALTER COLUMN answer SET NOT NULL",
            ],
            reverse_sql=[
                "ALTER TABLE core_idempotencykey ALTER COLUMN answer DROP NOT NULL",
                "ALTER TABLE core_idempotencykey ALTER COLUMN answer TYPE jsonb USING answer::jsonb",
            ],
            state_operations=[migrations.AlterField("idempotencykey", "answer", models.TextField(default="null"))],
        ),
    ]

"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import wall


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls"), ("notifications", "0001_initial")]

    operations = [
        *wall("notifications_delivery"),
    ]

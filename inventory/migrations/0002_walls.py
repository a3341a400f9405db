"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import wall


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls"), ("inventory", "0001_initial")]

    operations = [
        *wall("inventory_tag", references={"parent_id": "inventory_tag"}),
        *wall("inventory_asset"),
        *wall("inventory_assettag", references={"asset_id": "inventory_asset", "tag_id": "inventory_tag"}),
        *wall("inventory_inventory", references={"asset_id": "inventory_asset"}),
        *wall("inventory_patch"),
        *wall("inventory_assetpatch", references={"asset_id": "inventory_asset", "patch_id": "inventory_patch"}),
    ]

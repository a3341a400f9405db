"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import SERVING_ROLES, lookup, wall


class Migration(migrations.Migration):
    dependencies = [("deployments", "0002_walls"), ("agents", "0001_initial")]

    operations = [
        *wall(
            "agents_agent",
            references={"asset_id": "inventory_asset", "activation_key_id": "tenants_activationkey"},
        ),
        *wall("agents_signingkey"),
        *wall("agents_signingsecret", references={"signing_key_id": "agents_signingkey"}),
        *wall(
            "agents_manifest",
            references={"host_task_id": "deployments_hosttask", "signing_key_id": "agents_signingkey"},
        ),
        *lookup(
            "agents_customer_of_credential",
            argument="text",
            table="agents_agent",
            key="credential_digest",
            reads=["customer_id", "credential_digest"],
        ),
        # The private halves are the signer's alone, and the rest of what the signer may touch is little.
        migrations.RunSQL(
            [
                f"REVOKE ALL ON agents_signingsecret FROM {SERVING_ROLES}",
                "GRANT SELECT, INSERT ON agents_signingsecret TO patch_signer",
                f"REVOKE ALL ON agents_signingkey FROM {SERVING_ROLES}",
                f"GRANT SELECT ON agents_signingkey TO {SERVING_ROLES}",
                "GRANT SELECT, INSERT ON agents_signingkey TO patch_signer",
                f"REVOKE ALL ON agents_manifest FROM {SERVING_ROLES}",
                f"GRANT SELECT, INSERT, DELETE ON agents_manifest TO {SERVING_ROLES}",
                "GRANT SELECT, UPDATE (signature, signing_key_id) ON agents_manifest TO patch_signer",
                "GRANT SELECT ON core_event TO patch_signer",
                "GRANT SELECT, UPDATE, DELETE ON core_message TO patch_signer",
                "GRANT SELECT ON django_migrations TO patch_web, patch_worker, patch_signer",
            ],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]

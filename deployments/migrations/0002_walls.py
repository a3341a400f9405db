"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import scheduler_sees, wall


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_walls"), ("deployments", "0001_initial")]

    operations = [
        *wall(
            "deployments_job",
            references={
                "linked_job_id": "deployments_job",
                "created_by_id": "tenants_user",
                "updated_by_id": "tenants_user",
                "deleted_by_id": "tenants_user",
            },
        ),
        *wall("deployments_jobasset", references={"job_id": "deployments_job", "asset_id": "inventory_asset"}),
        *wall("deployments_jobtag", references={"job_id": "deployments_job", "tag_id": "inventory_tag"}),
        *wall("deployments_jobpatch", references={"job_id": "deployments_job", "patch_id": "inventory_patch"}),
        *wall("deployments_jobcoauthor", references={"job_id": "deployments_job", "user_id": "tenants_user"}),
        *wall("deployments_jobaction", references={"job_id": "deployments_job"}),
        *wall("deployments_run", references={"job_id": "deployments_job"}),
        *wall("deployments_hosttask", references={"run_id": "deployments_run", "asset_id": "inventory_asset"}),
        *wall("deployments_step", references={"host_task_id": "deployments_hosttask", "patch_id": "inventory_patch"}),
        # The tick: which jobs are due, and their runs.
        *scheduler_sees(
            "deployments_job",
            columns=["id", "customer_id", "state", "next_run_at", "timeout", "timeout_unit", "last_instance"],
            updates=["next_run_at", "last_instance"],
        ),
        *scheduler_sees(
            "deployments_run", columns=["id", "customer_id", "state", "deadline"], inserts=True
        ),
        # The sweeps: leases that ran out, deadlines that passed, runs whose hosts have all ended.
        *scheduler_sees(
            "deployments_hosttask", columns=["id", "customer_id", "run_id", "state", "lease_until", "deadline"]
        ),
    ]

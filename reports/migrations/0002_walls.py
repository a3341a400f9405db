"""Row-level security, composite foreign keys and rights: see core/walls.py."""

from django.db import migrations

from core.walls import scheduler_sees, wall


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_walls"),
        ("inventory", "0002_walls"),
        ("deployments", "0007_external_ids"),
        ("reports", "0001_initial"),
    ]

    operations = [
        *wall(
            "reports_report",
            references={
                "job_id": "deployments_job",
                "run_id": "deployments_run",
                "created_by_id": "tenants_user",
            },
        ),
        *wall("reports_reportchunk", references={"report_id": "reports_report"}),
        # The sweep finds what a worker left behind, and what has been kept long enough.
        *scheduler_sees("reports_report", columns=["id", "customer_id", "state", "lease_until", "expires_at"]),
        migrations.RunSQL(
            [
                "ALTER TABLE reports_reportchunk ADD CONSTRAINT a_chunk_is_at_most_a_mebibyte "
                "CHECK (octet_length(data) BETWEEN 1 AND 1048576)",
                # It is compressed already.
                "ALTER TABLE reports_reportchunk ALTER COLUMN data SET STORAGE EXTERNAL",
            ],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]

"""The least that a page of jobs can cost: one SQL statement, and `json.dumps`."""

import json
import os
from typing import Any

import psycopg2
import psycopg2.extras
from django.core import signing

_LINKS = """
    (SELECT array_agg(p.public_id ORDER BY l.position) FROM deployments_jobpatch l
     JOIN inventory_patch p ON p.customer_id = l.customer_id AND p.id = l.patch_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS patches,
    (SELECT array_agg(a.public_id ORDER BY l.position) FROM deployments_jobasset l
     JOIN inventory_asset a ON a.customer_id = l.customer_id AND a.id = l.asset_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS assets,
    (SELECT json_agg(json_build_object('id', t.public_id, 'name', t.name) ORDER BY l.position) FROM deployments_jobtag l
     JOIN inventory_tag t ON t.customer_id = l.customer_id AND t.id = l.tag_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS tags,
    (SELECT array_agg(u.public_id ORDER BY l.position) FROM deployments_jobcoauthor l
     JOIN tenants_user u ON u.customer_id = l.customer_id AND u.id = l.user_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS people,
    (SELECT json_agg(json_build_object('id', c.public_id, 'action', c.action, 'stage', c.stage, 'params', c.params)
                     ORDER BY c.position) FROM deployments_jobaction c
     WHERE c.customer_id = j.customer_id AND c.job_id = j.id) AS actions
"""
_COUNTS = """
    (SELECT count(*) FROM deployments_jobpatch l WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS patches,
    (SELECT count(*) FROM deployments_jobasset l WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS assets,
    (SELECT count(*) FROM deployments_job c WHERE c.customer_id = j.customer_id AND c.linked_job_id = j.id) AS children,
    (SELECT json_agg(json_build_object('id', t.public_id, 'name', t.name) ORDER BY l.position) FROM deployments_jobtag l
     JOIN inventory_tag t ON t.customer_id = l.customer_id AND t.id = l.tag_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS tags,
    (SELECT array_agg(u.public_id ORDER BY l.position) FROM deployments_jobcoauthor l
     JOIN tenants_user u ON u.customer_id = l.customer_id AND u.id = l.user_id
     WHERE l.customer_id = j.customer_id AND l.job_id = j.id) AS people,
    (SELECT json_build_object('state', r.state, 'scheduled', r.scheduled_for, 'counts', r.counts) FROM deployments_run r
     WHERE r.customer_id = j.customer_id AND r.job_id = j.id AND r.instance = j.last_instance) AS newest
"""
_LIVE = "customer_id = %(customer)s AND state IN ('Disabled', 'Enabled')"
_COUNT = f"SELECT count(*) FROM deployments_job WHERE {_LIVE}"  # noqa: S608 - a constant
_PAGE = """
SELECT j.*, c.username AS created_by, u.username AS updated_by, {links}
FROM (SELECT * FROM deployments_job WHERE {live} {behind} ORDER BY created_at DESC, id DESC LIMIT %(size)s) j
JOIN tenants_user c ON c.customer_id = j.customer_id AND c.id = j.created_by_id
LEFT JOIN tenants_user u ON u.customer_id = j.customer_id AND u.id = j.updated_by_id
ORDER BY j.created_at DESC, j.id DESC
"""
_BEHIND = "AND (created_at, id) < (%(created)s, %(id)s)"
_LINKS_OF = {"deploymentjobs": _LINKS, "deploymentjobs/summary": _COUNTS}


class Bare:
    """Pages of one customer's jobs, newest first, as the role of the web."""

    def __init__(self, customer_id: int) -> None:
        self._connection = psycopg2.connect(os.environ["DATABASE_WEB_URL"])
        self._customer = customer_id

    def page(self, path: str, size: int, key: str) -> str:
        """The rows behind a key as JSON; without a key the first ones, and how many there are."""
        values = {"customer": self._customer, "size": size, **_place(key)}
        sql = _PAGE.format(links=_LINKS_OF[path], live=_LIVE, behind=_BEHIND if key else "")
        with self._connection, self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute("SELECT set_config('app.customer_id', %s, true)", [str(self._customer)])
            cursor.execute(sql, values)
            rows = cursor.fetchall()
            if not key:
                cursor.execute(_COUNT, values)
                cursor.fetchone()
        return json.dumps(rows, default=str)


def _place(key: str) -> dict[str, Any]:
    if not key:
        return {}
    created, pk = signing.Signer(salt="core.paging").unsign_object(key)["at"]
    return {"created": created, "id": pk}

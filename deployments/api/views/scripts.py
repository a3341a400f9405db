"""The scripts of actions, at the paths that answers name."""

from typing import ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from actions import make_cache
from core.openapi import describe
from deployments import services
from deployments.api import action_answers
from deployments.api.views.base import JobView
from deployments.models import JobAction


@extend_schema(tags=["deployment jobs"])
class ScriptView(JobView):
    """The script of an action, for those who may edit its job."""

    field: ClassVar = "script"

    @describe("readScript", answer=action_answers.Script, says="The script.", refuses=[403, 404])
    def get(self, request: Request, customer_id: UUID, action_id: UUID) -> Response:
        """Read a script."""
        user = self.user()
        actions = JobAction.objects.for_customer(user.customer_id).select_related("job")
        action = actions.filter(public_id=action_id, job__in=self.live_jobs()).first()
        script = bytes(getattr(action, self.field, None) or b"")
        if action is None or not script or user.customer.public_id != customer_id:
            raise Http404
        services.require_editor(action.job, user)
        return _shown(script, getattr(action, f"{self.field}_type"))


@extend_schema_view(get=extend_schema(operation_id="readDetectionScript"))
class DetectionScriptView(ScriptView):
    """The detection script of an action that installs software."""

    field: ClassVar = "detection_script"


@extend_schema(tags=["deployment jobs"])
class BuiltInScriptView(JobView):
    """A script that the server brings, for everyone who is signed in."""

    @describe("readBuiltInScript", answer=action_answers.Script, says="The script.")
    def get(self, request: Request) -> Response:
        """Read the script that MakeCache names."""
        return _shown(make_cache.SCRIPT, make_cache.SCRIPT_TYPE)


def _shown(script: bytes, script_type: str) -> Response:
    return Response({"script": script.decode(errors="replace"), "scriptType": script_type})

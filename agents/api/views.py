"""The agents' protocol, docs/agent-protocol.md. Its URL tree and its credentials are apart from people's."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import hints, services
from agents.api.serializers import CheckInBody, EnrolBody, Nothing, OutputBody
from agents.models import Agent, Release
from agents.versions import HEADER, OURS, Spoken, signs_of_life, spoken
from core.digests import digest_of
from core.errors import Conflict, NotSignedIn, body_of
from core.parsers import StrictJSONParser
from core.shapes import Shape, parse
from deployments import services as deployments
from deployments.reports import Report, ReportsBody, StepFinished
from inventory import services as inventory
from inventory.descriptions import Scan

_KEYWORD = "agent"
_IDLE: dict[str, Any] = {"scan": False, "manifest": None, "drop": [], "contact": None, "update": None}
S = TypeVar("S", bound=Shape)


class AgentJSONParser(StrictJSONParser):
    """An inventory may be larger than what a person sends."""

    limit_setting = "MAX_AGENT_BODY_BYTES"


class AgentView(APIView):
    """A request by an enrolled agent."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (AgentJSONParser,)
    renderer_classes = (JSONRenderer,)

    def credential(self) -> str:
        """What the request carries as `Authorization: Agent <credential>`. Raises NotSignedIn."""
        keyword, _, credential = self.request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != _KEYWORD or not credential:
            raise NotSignedIn("Send Authorization: Agent <credential>.")
        return credential.strip()

    def agent(self) -> Agent:
        """Who asks, with their customer entered."""
        return services.agent_of(credential=self.credential())

    def spoken(self) -> Spoken:
        """What the agent speaks. Raises InvalidInput for a protocol that is not ours."""
        return spoken(self.request.headers.get(HEADER))

    def read(self, shape: type[S], data: object) -> S:
        """The body. What only a newer agent knows is passed over; from any other it is a mistake, and 400."""
        return parse(shape, data, forgiving=self.spoken().is_newer)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """With what we speak."""
        response[HEADER] = str(OURS)
        return super().finalize_response(request, response, *args, **kwargs)


@extend_schema(tags=["agent protocol"])
class EnrolView(AgentView):
    """A machine gets its identity."""

    @extend_schema(request=EnrolBody, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Enrol."""
        body = self.read(EnrolBody, request.data)
        made = services.enrol(
            activation_key=body.activation_key,
            machine=body.machine,
            agent_version=body.agent_version,
            boot_id=body.boot_id or "",
            at=timezone.now(),
        )
        key = {
            "keyId": str(made.signing_key.public_id),
            "publicKey": base64.b64encode(bytes(made.signing_key.public_key)).decode(),
        }
        answer = {
            "assetId": str(made.agent.asset.public_id),
            "agentId": str(made.agent.public_id),
            "credential": made.credential,
            "manifestKeys": [key],
            "releaseKeys": [{"keyId": one, "publicKey": text} for one, text in settings.AGENT_RELEASE_KEYS.items()],
            "pollSeconds": settings.AGENT_BUSY_POLL_SECONDS,
        }
        return Response(answer, status=201)


@extend_schema(tags=["agent protocol"])
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class CheckInView(AgentView):
    """An agent asks what to do. While it is idle, Redis answers and the database is not asked."""

    @extend_schema(request=CheckInBody, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Check in."""
        body = self.read(CheckInBody, request.data)
        token = body.sent.token if body.sent is not None else ""
        if not body.tasks and (idle := hints.is_idle(digest=digest_of(self.credential()), token=token)) is not None:
            return Response(
                {"pollSeconds": idle, "scan": False, "manifest": None, "drop": [], "contact": None, "update": None}
            )
        try:
            with transaction.atomic():
                return Response(self._ask_the_database(body))
        except services.OutOfOrder as refused:
            return _refused(refused.message, prove=refused.prove)
        except services.Copied as copied:
            with transaction.atomic():
                services.quarantine(agent=self.agent(), reason=copied.reason, at=timezone.now())
            raise services.Quarantined from copied

    def _ask_the_database(self, body: CheckInBody) -> dict[str, Any]:
        answer = services.check_in(
            agent=self.agent(),
            fences={task.host_task_id: (task.attempt, task.fence) for task in body.tasks},
            boot_id=body.boot_id or "",
            version=body.agent_version,
            at=timezone.now(),
            sent=body.sent,
            protocol=str(self.spoken()),
        )
        contact = answer.contact
        return {
            "pollSeconds": answer.poll_seconds,
            "scan": answer.scan,
            "manifest": answer.manifest,
            "drop": answer.drop,
            "contact": contact and {"sequence": contact.sequence, "token": contact.token},
            "update": answer.update and _offer(answer.update),
        }


@extend_schema(tags=["agent protocol"])
class ReportsView(AgentView):
    """An agent tells how its work goes."""

    @extend_schema(request=ReportsBody, responses={200: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Report."""
        agent = self.agent()
        told = request.data
        body = self.read(ReportsBody, signs_of_life(told) if self.spoken().is_newer else told)
        at = timezone.now()
        try:
            with transaction.atomic():
                through = self._take(agent, body, body.reports, at=at)
        except deployments.Gap as gap:
            # What stands before the gap counts, so that the number we answer is the one we hold.
            before = [report for report in body.reports if report.sequence <= gap.accepted_through]
            self._take(agent, body, before, at=at)
            return _refused(f"Report {gap.accepted_through + 1} is missing.", acceptedThrough=gap.accepted_through)
        if through is None:
            return _refused("This attempt is not yours (any more); forget it.", stale=True)
        ended = {report.number for report in body.reports if isinstance(report, StepFinished)}
        if ended:
            services.forget_output(agent=agent, task_id=body.host_task_id, attempt=body.attempt, numbers=ended)
        return Response({"acceptedThrough": through})

    def _take(self, agent: Agent, body: ReportsBody, reports: Sequence[Report], *, at: datetime) -> int | None:
        return deployments.take_reports(
            asset=agent.asset,
            task_id=body.host_task_id,
            attempt=body.attempt,
            fence=body.fence,
            reports=reports,
            at=at,
        )


def _offer(release: Release) -> dict[str, str]:
    return {
        "version": release.version,
        "url": reverse("agent-release", args=[release.version]),
        "manifest": release.manifest,
        "keyId": release.key_id,
        "signature": base64.b64encode(bytes(release.signature)).decode(),
    }


def _refused(message: str, **more: object) -> Response:
    """409 with the error body, and what the agent reads beside it at the top level."""
    return Response(body_of(Conflict(message)) | more, status=409)


@extend_schema(tags=["agent protocol"])
class OutputView(AgentView):
    """An agent shows what a running step prints."""

    @extend_schema(request=OutputBody, responses={200: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Show output."""
        agent = self.agent()
        body = self.read(OutputBody, request.data)
        received = services.take_output(
            agent=agent,
            task_id=body.host_task_id,
            attempt=body.attempt,
            fence=body.fence,
            piece=services.Piece(number=body.number, offset=body.offset, size=body.size, text=body.text),
            at=timezone.now(),
        )
        if received is None:
            return _refused("This step does not run (any more).", stale=True)
        return Response({"received": received})


@extend_schema(tags=["agent protocol"])
class WhoAmIView(AgentView):
    """An agent asks whether it is known."""

    @extend_schema(request=Nothing, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Ask who one is. Neither a check-in nor a heartbeat."""
        self.spoken()
        agent = self.agent()
        self.read(Nothing, request.data)
        return Response({"agentId": str(agent.public_id), "assetId": str(agent.asset.public_id)})


@extend_schema(tags=["agent protocol"])
class LeaveView(AgentView):
    """An agent is removed from its machine."""

    @extend_schema(request=Nothing, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Take leave: the credential is worth nothing from here on, and what the agent held has failed."""
        agent = self.agent()
        self.read(Nothing, request.data)
        services.revoke(agent=agent, at=timezone.now())
        return Response({"left": True})


@extend_schema(tags=["agent protocol"])
class ReleaseView(AgentView):
    """An agent fetches its next version."""

    @extend_schema(responses={(200, "application/gzip"): OpenApiTypes.BINARY})
    def get(self, request: Request, version: str) -> HttpResponse:
        """Fetch a release that was offered."""
        content = services.archive(agent=self.agent(), version=version)
        return HttpResponse(content, content_type="application/gzip")


@extend_schema(tags=["agent protocol"])
class ScanView(AgentView):
    """An agent tells what its machine has."""

    @extend_schema(request=Scan, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Take in an inventory."""
        agent = self.agent()
        scan, at = self.read(Scan, request.data), timezone.now()
        services.note_boot(agent=agent, boot_id=scan.boot_id or "", at=at)
        inventory.record_scan(asset=agent.asset, scan=scan, at=at)
        return Response({"accepted": True})

"""Agents as administrators see them."""

from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import services
from agents.api import fleet_answers
from agents.api.fleet_parameters import AgentParameters
from agents.models import Agent, AgentStatus
from core.details import NoParameters
from core.instants import milliseconds
from core.openapi import describe, describe_list
from core.paging import Listing
from core.parameters import parameters
from core.query import DateToken, TextToken, UuidToken, choice_of
from inventory.models import Platform
from tenants.models import Role, User

_STATUS = Case(
    When(revoked_at__isnull=False, then=Value(AgentStatus.REVOKED.value)),
    When(quarantined_at__isnull=False, then=Value(AgentStatus.QUARANTINED.value)),
    default=Value(AgentStatus.ACTIVE.value),
)
AGENTS = Listing(
    row=fleet_answers.Agent,
    order=["-id"],
    columns={
        "id": "public_id",
        "assetId": "asset__public_id",
        "assetName": "asset__name",
        "platform": "asset__platform",
        "version": "version",
        "protocol": "protocol",
        "status": _STATUS,
        "lastContact": "asset__last_contact_at",
        "enrolledOn": "enrolled_at",
        "quarantinedOn": "quarantined_at",
        "releasedOn": "released_at",
        "revokedOn": "revoked_at",
    },
    tokens={
        "id": UuidToken(column="public_id"),
        "assetId": UuidToken(column="asset__public_id"),
        "assetName": TextToken(column="asset__name"),
        "platform": choice_of("asset__platform", Platform),
        "version": TextToken(column="version"),
        "protocol": TextToken(column="protocol"),
        "status": choice_of("standing", AgentStatus),
        "lastContact": DateToken(column="asset__last_contact_at"),
        "enrolledOn": DateToken(column="enrolled_at"),
        "quarantinedOn": DateToken(column="quarantined_at"),
        "releasedOn": DateToken(column="released_at"),
        "revokedOn": DateToken(column="revoked_at"),
    },
)


class FleetView(APIView):
    """What all of these share: who decides here, decides what may run on machines."""

    writing_role = Role.ADMIN

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def agents(self) -> QuerySet[Agent]:
        """The caller's, those of former days among them."""
        rows = Agent.objects.for_customer(self.user.customer_id)
        return rows.select_related("asset", "activation_key")

    def one(self, agent_id: UUID) -> Agent:
        """One of them, or 404."""
        return get_object_or_404(self.agents(), public_id=agent_id)

    def shown(self, agent_id: UUID) -> Response:
        """It, as it is now."""
        return Response(agent_row(self.one(agent_id)))


@extend_schema(tags=["agents"])
class AgentsView(FleetView):
    """The programs on a customer's machines."""

    @describe_list("listAgents", rows=fleet_answers.Agents, parameters=AgentParameters)
    def get(self, request: Request) -> Response:
        """List agents, the newest first."""
        wanted = parameters(request, AgentParameters)
        rows = self.agents().annotate(standing=_STATUS)
        if wanted.status:
            rows = rows.filter(standing__in=wanted.status)
        if wanted.platform:
            rows = rows.filter(asset__platform__in=wanted.platform)
        if wanted.asset_id:
            rows = rows.filter(asset__public_id=wanted.asset_id)
        return AGENTS.page(request, rows, wanted, at=timezone.now(), render=agent_row)


@extend_schema(tags=["agents"])
class OneAgentView(FleetView):
    """One agent."""

    @describe("readAgent", answer=fleet_answers.Agent, says="The agent.")
    def get(self, request: Request, agent_id: UUID) -> Response:
        """Read an agent."""
        parameters(request, NoParameters)
        return self.shown(agent_id)


@extend_schema(tags=["agents"])
class ReleaseView(FleetView):
    """The end of a quarantine."""

    @describe("releaseAgent", answer=fleet_answers.Agent, says="Released.", refuses=[403, 409])
    def post(self, request: Request, agent_id: UUID) -> Response:
        """Let a quarantined agent work again.

        The copy that checks in first goes on; what it does not hold of its work has failed. Stop the other copy before,
        and enrol it anew: if both still run, both are stopped again.
        """
        parameters(request, NoParameters)
        services.release(agent=self.one(agent_id), user=self.user, at=timezone.now())
        return self.shown(agent_id)


@extend_schema(tags=["agents"])
class RevokeView(FleetView):
    """The end of an agent."""

    @describe("revokeAgent", answer=fleet_answers.Agent, says="Revoked.", refuses=[403])
    def post(self, request: Request, agent_id: UUID) -> Response:
        """Make an agent's credential worthless. Its machine can enrol anew; what the agent held has failed."""
        parameters(request, NoParameters)
        services.revoke(agent=self.one(agent_id), user=self.user, at=timezone.now())
        return self.shown(agent_id)


def agent_row(agent: Agent) -> dict[str, Any]:
    """An agent on the wire; its asset and its activation key are loaded."""
    return {
        "id": agent.public_id,
        "assetId": agent.asset.public_id,
        "assetName": agent.asset.name,
        "platform": agent.asset.platform,
        "version": agent.version,
        "protocol": agent.protocol or None,
        "status": agent.status,
        "lastContact": milliseconds(agent.asset.last_contact_at),
        "enrolledOn": milliseconds(agent.enrolled_at),
        "quarantinedOn": milliseconds(agent.quarantined_at),
        "quarantineReason": agent.quarantine_reason or None,
        "releasedOn": milliseconds(agent.released_at),
        "revokedOn": milliseconds(agent.revoked_at),
        "activationKey": {"id": agent.activation_key.public_id, "name": agent.activation_key.name},
    }

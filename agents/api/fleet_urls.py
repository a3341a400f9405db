"""Routes of agents as administrators see them, under `/pm`."""

from django.urls import path

from agents.api import fleet
from core import openapi

openapi.load()

urlpatterns = [
    path("v1/agents", fleet.AgentsView.as_view(), name="agents"),
    path("v1/agent/<uuid:agent_id>", fleet.OneAgentView.as_view(), name="agent"),
    path("v1/agent/<uuid:agent_id>/release", fleet.ReleaseView.as_view(), name="agent-release"),
    path("v1/agent/<uuid:agent_id>/revoke", fleet.RevokeView.as_view(), name="agent-revoke"),
]

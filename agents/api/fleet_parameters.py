"""What the list of agents can be asked."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from agents.models import AgentStatus
from core.paging import ListParameters
from core.shapes import choices
from inventory.models import Platform


class AgentParameters(ListParameters):
    """Which agents to list."""

    status: Annotated[
        list[AgentStatus] | None, choices(AgentStatus), Field(description="Those that stand so; all where absent.")
    ] = None
    platform: Annotated[list[Platform] | None, choices(Platform), Field(description="Those on such machines.")] = None
    asset_id: Annotated[UUID | None, Field(description="Those of one machine, former ones among them.")] = None

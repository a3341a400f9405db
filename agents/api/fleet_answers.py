"""What the views of agents answer."""

from uuid import UUID

from pydantic import Field, RootModel

from agents.models import AgentStatus
from core.openapi import Answer
from inventory.models import Platform


class AgentActivationKey(Answer):
    """What it enrolled with."""

    id: UUID
    name: str


class Agent(Answer):
    """The program on a machine. All times are milliseconds since 1970."""

    id: UUID
    asset_id: UUID
    asset_name: str
    platform: Platform
    version: str = Field(description="Of the program.")
    protocol: str | None = Field(description="The version of the agents' protocol that it speaks, as it said last.")
    status: AgentStatus = Field(
        description="Quarantined: two copies of it ran, and neither gets work before it is released or revoked. "
        "Revoked: replaced by another agent of the same machine, removed, or ended by an administrator."
    )
    last_contact: int | None = Field(description="When this machine's agent asked the database last.")
    enrolled_on: int
    quarantined_on: int | None
    quarantine_reason: str | None
    released_on: int | None = Field(description="When an administrator ended its last quarantine.")
    revoked_on: int | None
    activation_key: AgentActivationKey


class Agents(RootModel[list[Agent]]):
    """A page of agents."""

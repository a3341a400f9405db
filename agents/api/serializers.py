"""What agents send besides reports and scans."""

from typing import Annotated

from pydantic import Field

from agents.contacts import Sent
from core.shapes import Shape, Text
from inventory.descriptions import Machine


class EnrolBody(Shape):
    """`POST /agent/v1/enrol`."""

    activation_key: Annotated[Text, Field(max_length=200)]
    agent_version: Annotated[Text, Field(max_length=32)]
    boot_id: Annotated[Text, Field(max_length=64)] | None = None
    machine: Machine


class Nothing(Shape):
    """An empty object."""


class HeldTask(Shape):
    """A host task in the agent's journal."""

    host_task_id: Annotated[int, Field(ge=1)]
    attempt: Annotated[int, Field(ge=1)]
    fence: Annotated[int, Field(ge=1)]


class OutputBody(Shape):
    """`POST /agent/v1/output`."""

    host_task_id: Annotated[int, Field(ge=1)]
    attempt: Annotated[int, Field(ge=1)]
    fence: Annotated[int, Field(ge=1)]
    number: Annotated[int, Field(ge=1)]
    offset: Annotated[int, Field(ge=0, le=2**62)]
    size: Annotated[int, Field(ge=1, le=2**20)]
    # A byte that is no text comes as three.
    text: Annotated[Text, Field(max_length=32 * 1024)]


class ContactBody(Shape):
    """What tells an agent from a copy of it; docs/agent-protocol.md says how."""

    sequence: Annotated[int, Field(ge=0, le=2**62)]
    token: Annotated[Text, Field(max_length=64)] = ""
    mark: Annotated[Text, Field(min_length=16, max_length=64)]
    proof: Annotated[Text, Field(max_length=64)] = ""


class CheckInBody(Shape):
    """`POST /agent/v1/check-in`."""

    boot_id: Annotated[Text, Field(max_length=64)] | None = None
    agent_version: Annotated[Text, Field(max_length=32)]
    tasks: Annotated[list[HeldTask], Field(max_length=100)] = []
    contact: ContactBody | None = None

    @property
    def sent(self) -> Sent | None:
        """The contact as services take it."""
        one = self.contact
        return Sent(sequence=one.sequence, token=one.token, mark=one.mark, proof=one.proof) if one else None

"""What agents are answered, for the API's document. docs/agent-protocol.md tells the story around it."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from pydantic import Field
from rest_framework.authentication import BaseAuthentication

from agents.api.serializers import CheckInBody, EnrolBody, Nothing, OutputBody
from core.openapi import Answer, AuthenticationScheme, Error, ViewDocument, describe
from deployments.reports import ReportsBody
from inventory.descriptions import Scan


class ManifestKey(Answer):
    """A public key to pin."""

    key_id: str
    public_key: str


class Enrolled(Answer):
    """What a machine becomes. The credential is shown once."""

    asset_id: str
    agent_id: str
    credential: str
    manifest_keys: list[ManifestKey]
    release_keys: list[ManifestKey] = Field(description="What releases of the agent are signed with.")
    poll_seconds: float


class SignedManifest(Answer):
    """`manifest` is canonical JSON as text; the Ed25519 signature, in Base64, is of exactly its bytes."""

    manifest: str
    key_id: str
    signature: str


class Contact(Answer):
    """What the next check-in sends back, with a mark of its own."""

    sequence: int
    token: str


class Update(Answer):
    """A newer version of the agent. The Ed25519 signature, in Base64, is of exactly the manifest's bytes."""

    version: str
    url: str = Field(description="Where the archive is, on this server.")
    manifest: str
    key_id: str
    signature: str


class CheckedIn(Answer):
    """What an agent is to do now."""

    poll_seconds: float
    scan: bool
    manifest: SignedManifest | None
    drop: list[int]
    contact: Contact | None = Field(description="Null: what was given before still holds.")
    update: Update | None


class CheckInRefused(Error):
    """409: the token was followed by another check-in already."""

    prove: str = Field(default="", description="To be sent back as `contact.proof`, at once.")


class ReportsAccepted(Answer):
    """Up to which sequence the server has all reports."""

    accepted_through: int


class OutputAccepted(Answer):
    """Up to which byte the output is known; what comes next begins there, or later."""

    received: int


class Known(Answer):
    """Who asks."""

    agent_id: str
    asset_id: str


class Left(Answer):
    """The credential is worth nothing any more."""

    left: bool


class ScanAccepted(Answer):
    """The inventory is stored."""

    accepted: bool


class ReportsRefused(Error):
    """409: a gap, with the sequence to go on after; or another attempt has taken over."""

    accepted_through: int = Field(default=0, description="Of a gap: up to where the server has all reports.")
    stale: bool = Field(default=False, description="True where another attempt has taken over.")


class AgentCredential(BaseAuthentication):
    """Stands for the credential that agents' views read themselves."""


class AgentCredentialScheme(AuthenticationScheme):
    """`Authorization: Agent <credential>`."""

    target_class = AgentCredential
    name = "agentCredential"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Agent <credential>`, with the credential that enrolling gave.",
        }


class EnrolDocument(ViewDocument):
    """See EnrolView."""

    target_class = "agents.api.views.EnrolView"
    operations = {
        "post": describe(
            "agentEnrol", request=EnrolBody, answer=Enrolled, status=201, says="Enrolled.", refuses=[403, 503]
        )
    }


class CheckInDocument(ViewDocument):
    """See CheckInView."""

    target_class = "agents.api.views.CheckInView"
    authenticators = (AgentCredential,)
    operations = {
        "post": describe(
            "agentCheckIn",
            request=CheckInBody,
            answer=CheckedIn,
            says="What to do.",
            refuses=[403],
            responses={409: OpenApiResponse(CheckInRefused, description="Another check-in was first: prove yourself.")},
        )
    }


class ReportsDocument(ViewDocument):
    """See ReportsView."""

    target_class = "agents.api.views.ReportsView"
    authenticators = (AgentCredential,)
    operations = {
        "post": describe(
            "agentReport",
            request=ReportsBody,
            answer=ReportsAccepted,
            says="Taken in, or known already.",
            responses={409: OpenApiResponse(ReportsRefused, description="A gap, or stale.")},
        )
    }


class OutputDocument(ViewDocument):
    """See OutputView."""

    target_class = "agents.api.views.OutputView"
    authenticators = (AgentCredential,)
    operations = {
        "post": describe(
            "agentOutput",
            request=OutputBody,
            answer=OutputAccepted,
            says="Shown, or known already.",
            responses={409: OpenApiResponse(ReportsRefused, description="The step does not run (any more).")},
        )
    }


class WhoAmIDocument(ViewDocument):
    """See WhoAmIView."""

    target_class = "agents.api.views.WhoAmIView"
    authenticators = (AgentCredential,)
    operations = {"post": describe("agentWhoAmI", request=Nothing, answer=Known, says="Known.", refuses=[403])}


class LeaveDocument(ViewDocument):
    """See LeaveView."""

    target_class = "agents.api.views.LeaveView"
    authenticators = (AgentCredential,)
    operations = {"post": describe("agentLeave", request=Nothing, answer=Left, says="Left.", refuses=[403])}


class ReleaseDocument(ViewDocument):
    """See ReleaseView."""

    target_class = "agents.api.views.ReleaseView"
    authenticators = (AgentCredential,)
    operations = {
        "get": describe(
            "agentRelease",
            answer={"application/gzip": OpenApiTypes.BINARY},
            says="The archive.",
            refuses=[403, 404],
        )
    }


class ScanDocument(ViewDocument):
    """See ScanView."""

    target_class = "agents.api.views.ScanView"
    authenticators = (AgentCredential,)
    operations = {"post": describe("agentScan", request=Scan, answer=ScanAccepted, says="Stored.")}

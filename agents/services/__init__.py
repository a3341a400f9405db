"""Every way in which agents, keys and manifests change."""

from agents.services.checkins import CheckIn, check_in, note_boot, wake
from agents.services.contacts import Copied, OutOfOrder, Quarantined, quarantine, release, revoke
from agents.services.enrolment import Enrolment, agent_of, enrol
from agents.services.outputs import Piece, forget_output, take_output
from agents.services.releases import archive, offer, publish, withdraw
from agents.services.signing import create_signing_key, sign_manifest

__all__ = [
    "CheckIn",
    "Copied",
    "Enrolment",
    "OutOfOrder",
    "Piece",
    "Quarantined",
    "agent_of",
    "archive",
    "check_in",
    "create_signing_key",
    "enrol",
    "forget_output",
    "note_boot",
    "offer",
    "publish",
    "quarantine",
    "release",
    "revoke",
    "sign_manifest",
    "take_output",
    "wake",
    "withdraw",
]

"""Become an agent: exchange an activation key for an identity."""

from pathlib import Path
from threading import Event

from hostagent import VERSION, contacts, machine, state
from hostagent.client import Client
from hostagent.clock import Clock
from hostagent.errors import AlreadyEnrolled
from hostagent.host import Host
from hostagent.processes import boot_id
from hostagent.providers import provider_of

# While the customer's signing key is being made the server says 503; enough tries for some minutes of that.
_TRIES = 20


def enrol(server: str, activation_key: str, *, home: Path, host: Host, clock: Clock | None = None) -> state.State:
    """Enrol and keep what the server gives. AlreadyEnrolled, Answered (403: the key is not good), Unreachable."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if state.path_in(home).exists():
        raise AlreadyEnrolled(f"{state.path_in(home)} is there already; remove the folder to start anew")
    provider = provider_of(host)
    body = {
        "activationKey": activation_key,
        "agentVersion": VERSION,
        "bootId": boot_id(),
        "machine": machine.facts(host, provider.name if provider else None),
    }
    answer = Client(server, clock or Clock(), Event()).post("enrol", body, tries=_TRIES)
    enrolled = state.State(
        server=server,
        agent_id=str(answer["agentId"]),
        asset_id=str(answer["assetId"]),
        credential=str(answer["credential"]),
        manifest_keys={str(key["keyId"]): str(key["publicKey"]) for key in answer["manifestKeys"]},
        root=str(host.root) if host.is_rooted else None,
    )
    # Of an agent that was here before.
    contacts.path_in(home).unlink(missing_ok=True)
    state.save(home, enrolled)
    return enrolled

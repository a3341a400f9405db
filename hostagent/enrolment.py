"""Become an agent: exchange an activation key for an identity."""

import shutil
from pathlib import Path
from threading import Event
from typing import Any

from hostagent import VERSION, contacts, machine, probe, state
from hostagent.client import Client
from hostagent.clock import Clock
from hostagent.errors import AgentError, AlreadyEnrolled, Answered
from hostagent.files import protect
from hostagent.host import Host
from hostagent.processes import boot_id
from hostagent.providers import provider_of

# While the customer's signing key is being made the server says 503; enough tries for some minutes of that.
_TRIES = 20
_CA = "ca.pem"


def enrol(
    server: str,
    activation_key: str,
    *,
    home: Path,
    host: Host,
    clock: Clock | None = None,
    ca: Path | None = None,
    proxy: str | None = None,
) -> state.State:
    """Enrol and keep what the server gives. AlreadyEnrolled; AgentError that says what to do about anything else.

    `ca` is copied into the folder: from then on those authorities alone are trusted.
    """
    clock = clock or Clock()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if state.path_in(home).exists():
        raise AlreadyEnrolled(f"{state.path_in(home)} is there already; remove the folder to start anew")
    client = Client(server, clock, Event(), ca=ca, proxy=proxy)
    skew = probe.reach(server.rstrip("/"), client.opener).skew(clock.now())
    if skew is not None and abs(skew) > probe.MOST_SKEW:
        raise AgentError(probe.skew_in_words(skew))
    protect(home)
    provider = provider_of(host)
    body = {
        "activationKey": activation_key,
        "agentVersion": VERSION,
        "bootId": boot_id(),
        "machine": machine.facts(host, provider.name if provider else None),
    }
    answer = _answer(client, body)
    enrolled = state.State(
        server=server,
        agent_id=str(answer["agentId"]),
        asset_id=str(answer["assetId"]),
        credential=str(answer["credential"]),
        manifest_keys=_keys(answer["manifestKeys"]),
        release_keys=_keys(answer.get("releaseKeys", [])),
        root=str(host.root) if host.is_rooted else None,
        ca=_CA if ca else None,
        proxy=proxy,
    )
    if ca:
        shutil.copyfile(ca, home / _CA)
    # Of an agent that was here before.
    contacts.path_in(home).unlink(missing_ok=True)
    state.save(home, enrolled)
    return enrolled


def _answer(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    try:
        return client.post("enrol", body, tries=_TRIES)
    except Answered as error:
        if error.status == 403:
            raise AgentError(
                f"the activation key is not accepted: {error.body.get('message', 'no reason given')}"
            ) from error
        raise


def _keys(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {str(key["keyId"]): str(key["publicKey"]) for key in listed}

"""A manifest: what the server asks of this machine, believed only after `verify`."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hostagent import conduct
from hostagent.clock import from_text
from hostagent.conduct import Conduct
from hostagent.windows_steps import RegistryStep, UninstallStep, registry_step, uninstall_step


class Refused(Exception):
    """The manifest is not to be followed; `reason` is one of the protocol's words for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Identity:
    """Which host task a manifest is about. Not to be believed until the signature is checked."""

    host_task_id: int
    attempt: int
    fence: int


@dataclass(frozen=True)
class ScriptStep:
    """A pre- or post-action. `timeout` is seconds; `script_type` other than `sh` is not supported here."""

    number: int
    stage: str
    script_type: str
    script: bytes
    timeout: int


@dataclass(frozen=True)
class Script:
    """A script and its type."""

    script_type: str
    content: bytes


@dataclass(frozen=True)
class InstallStep:
    """An action that fetches a file and installs it, `by_script` or by itself. `timeout` is of each program it runs."""

    number: int
    stage: str
    timeout: int
    url: str
    sha256: str
    by_script: bool
    detection: Script | None
    script: Script | None


@dataclass(frozen=True)
class RebootStep:
    """A pre-action that restarts the machine. `timeout`: seconds after which a machine still up has not restarted."""

    number: int
    stage: str
    timeout: int


@dataclass(frozen=True)
class Download:
    """An installer of a patch. `kind` is `msi`, `exe` or `msu`; `arguments` are what makes an exe silent."""

    url: str
    sha256: str
    kind: str
    arguments: str
    version: str


@dataclass(frozen=True)
class PatchStep:
    """`version` is the version to have (install) or to leave (rollback); `back_to` only matters for rollback.

    `downloads` are the installers of these versions, of patches that no package manager fetches.
    """

    number: int
    operation: str
    package: str
    architecture: str | None
    version: str
    back_to: str | None
    downloads: tuple[Download, ...] = ()


@dataclass(frozen=True)
class ScanStep:
    """The closing inventory."""

    number: int


@dataclass(frozen=True)
class UnknownStep:
    """A kind that a newer server knows; it fails as `unsupported`."""

    number: int


Step = ScriptStep | InstallStep | RebootStep | RegistryStep | UninstallStep | PatchStep | ScanStep | UnknownStep


@dataclass(frozen=True)
class Manifest:
    """The verified content; steps are in order of their number."""

    identity: Identity
    agent_id: str
    not_before: datetime
    not_after: datetime
    steps: tuple[Step, ...]
    conduct: Conduct = field(default_factory=Conduct)
    # Kinds of report, beyond the first ones, that the server takes.
    hears: frozenset[str] = frozenset()

    @property
    def suppresses_reboots(self) -> bool:
        """Whether the machine is left as it is where something wants a restart."""
        return self.conduct.restart.suppressed


def identity(envelope: Mapping[str, Any]) -> Identity | None:
    """Which host task this claims to be about; None when not even that can be read."""
    try:
        return _identity(json.loads(envelope["manifest"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def verify(
    envelope: Mapping[str, Any], *, keys: Mapping[str, str], agent_id: str, highest_attempt: int, now: datetime
) -> Manifest:
    """The manifest in the envelope, or Refused. `highest_attempt` is the newest that we know of its host task, or 0."""
    text = _signed_text(envelope, keys)
    manifest = read(text)
    if manifest.agent_id != agent_id:
        raise Refused("wrong_agent")
    if manifest.identity.attempt <= highest_attempt:
        raise Refused("old_attempt")
    if now > manifest.not_after:
        raise Refused("expired")
    return manifest


def read(text: str) -> Manifest:
    """Parse a text whose signature was checked. Refused when a digest or the shape is wrong."""
    try:
        content = json.loads(text)
        if content["format"] != 1:
            raise Refused("unsupported")
        hears = frozenset(map(str, content.get("hears") or []))
        return Manifest(
            identity=_identity(content),
            agent_id=str(content["agentId"]),
            not_before=from_text(content["notBefore"]),
            not_after=from_text(content["notAfter"]),
            steps=tuple(sorted(map(_step, content["steps"]), key=lambda step: step.number)),
            conduct=conduct.read(content.get("conduct"), hears=hears),
            hears=hears,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused("unsupported") from error


def _signed_text(envelope: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    try:
        text = str(envelope["manifest"])
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[envelope["keyId"]], validate=True))
        key.verify(base64.b64decode(envelope["signature"], validate=True), text.encode())
    except (InvalidSignature, KeyError, TypeError, ValueError) as error:
        raise Refused("bad_signature") from error
    return text


def _identity(content: Mapping[str, Any]) -> Identity:
    numbers = [content[name] for name in ("hostTaskId", "attempt", "fence")]
    if not all(type(number) is int for number in numbers):
        raise ValueError("hostTaskId, attempt and fence are integers")
    return Identity(*numbers)


def _step(content: Mapping[str, Any]) -> Step:
    number = int(content["number"])
    kind = content["kind"]
    if kind == "action":
        return _ACTIONS.get(content.get("action"), _script_step)(number, content)
    if kind == "patch":
        return PatchStep(
            number=number,
            operation=str(content["operation"]),
            package=str(content["package"]),
            architecture=content.get("architecture"),
            version=str(content["version"]),
            back_to=content.get("from"),
            downloads=tuple(map(_download, content.get("downloads") or ())),
        )
    return ScanStep(number) if kind == "scan" else UnknownStep(number)


def _download(content: Mapping[str, Any]) -> Download:
    return Download(
        url=str(content["url"]),
        sha256=str(content["sha256"]).lower(),
        kind=str(content["kind"]),
        arguments=str(content.get("arguments") or ""),
        version=str(content["version"]),
    )


def _script_step(number: int, content: Mapping[str, Any]) -> ScriptStep:
    has_script = content.get("script") is not None
    return ScriptStep(
        number=number,
        stage=str(content["stage"]),
        # An action of a kind without a script (a newer server's) fails as `unsupported`; it is not a wrong digest.
        script_type=str(content.get("scriptType")) if has_script else "",
        script=_script(content) if has_script else b"",
        timeout=_timeout(content),
    )


def _install_step(number: int, content: Mapping[str, Any]) -> InstallStep:
    install = content["install"]
    if install["method"] not in ("script", "installer"):
        raise ValueError(f"the method {install['method']!r} is not known")
    return InstallStep(
        number=number,
        stage=str(content["stage"]),
        timeout=_timeout(content),
        url=str(install["url"]),
        sha256=str(install["sha256"]).lower(),
        by_script=install["method"] == "script",
        detection=_part(install.get("detection")),
        script=_part(install.get("script")),
    )


def _part(content: Mapping[str, Any] | None) -> Script | None:
    return Script(str(content["scriptType"]), _script(content)) if content else None


def _reboot_step(number: int, content: Mapping[str, Any]) -> RebootStep:
    return RebootStep(number=number, stage=str(content["stage"]), timeout=_timeout(content))


def _timeout(content: Mapping[str, Any]) -> int:
    return min(max(int(content["timeout"]), 1), 86400)


def _script(content: Mapping[str, Any]) -> bytes:
    try:
        script = base64.b64decode(content["script"], validate=True)
    except binascii.Error:
        raise Refused("bad_digest") from None
    if hashlib.sha256(script).hexdigest() != str(content.get("sha256")).lower():
        raise Refused("bad_digest")
    return script


# What is not here is told by a script, or not known: then it fails as `unsupported`.
_ACTIONS: Mapping[Any, Callable[[int, Mapping[str, Any]], Step]] = {
    "Install Software": _install_step,
    "System Reboot": _reboot_step,
    "Change Registry Key": registry_step,
    "Uninstall Software": uninstall_step,
}

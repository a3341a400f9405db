"""A release of the agent: fetched, and believed only if the pinned key says so. An older one is never taken.

The manifest is JSON as text: `{"format": 1, "version", "sha256", "size"}`, and the Ed25519 signature is of exactly its
bytes. The archive is a .tar.gz that holds the folder `hostagent`, and nothing else.
"""

import base64
import hashlib
import io
import json
import logging
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hostagent import VERSION
from hostagent.clock import Clock
from hostagent.errors import AgentError, Unreachable
from hostagent.files import sync_directory
from hostagent.versions import Versions, number

log = logging.getLogger(__name__)

# Bytes: of the archive, and of all that is in it.
LARGEST = 8 * 1024 * 1024
_UNPACKED = 64 * 1024 * 1024


class ReleaseRefused(AgentError):
    """This release is not taken; the text says why."""


@dataclass(frozen=True)
class Release:
    """A manifest whose signature was checked."""

    version: str
    sha256: str
    size: int


def verify(offer: Mapping[str, Any], keys: Mapping[str, str], *, than: str = VERSION) -> Release:
    """The release that an offer is about. ReleaseRefused where it is not signed, not newer, or not understood."""
    try:
        text, key_id = str(offer["manifest"]), str(offer["keyId"])
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[key_id], validate=True))
        key.verify(base64.b64decode(str(offer["signature"]), validate=True), text.encode())
    except (InvalidSignature, KeyError, TypeError, ValueError):
        raise ReleaseRefused("the release is not signed by a pinned key") from None
    try:
        said = json.loads(text)
        if said["format"] != 1:
            raise ReleaseRefused("the release is of a format that this agent does not know")
        release = Release(version=str(said["version"]), sha256=str(said["sha256"]), size=int(said["size"]))
        newer = number(release.version) > number(than)
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseRefused(f"the release is not understood: {error}") from error
    if not newer:
        raise ReleaseRefused(f"the release is {release.version}, and {than} runs here: no older one is taken")
    if not 0 < release.size <= LARGEST:
        raise ReleaseRefused(f"the release has {release.size} bytes, which is too many")
    return release


def install(release: Release, content: bytes, versions: Versions) -> Path:
    """Unpack into the version's folder, whole or not at all. ReleaseRefused where a byte is not as it was signed."""
    if len(content) != release.size or hashlib.sha256(content).hexdigest() != release.sha256:
        raise ReleaseRefused("the release's archive is not what was signed")
    folder = versions.folder(release.version)
    making = folder.with_name(f".{folder.name}")
    for stale in (folder, making):
        shutil.rmtree(stale, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    try:
        _unpack(content, making)
        if f'VERSION = "{release.version}"' not in (making / "hostagent/__init__.py").read_text():
            raise ReleaseRefused(f"the archive does not hold version {release.version}")
    except (OSError, tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        shutil.rmtree(making, ignore_errors=True)
        raise ReleaseRefused(f"the release cannot be unpacked: {error}") from error
    except ReleaseRefused:
        shutil.rmtree(making, ignore_errors=True)
        raise
    making.rename(folder)
    sync_directory(folder.parent)
    return folder


def _unpack(content: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        room = _UNPACKED
        for member in archive:
            room -= member.size
            parts = Path(member.name).parts
            if not (member.isfile() or member.isdir()) or parts[:1] != ("hostagent",) or ".." in parts or room < 0:
                raise ReleaseRefused(f"the archive holds what no release holds: {member.name}")
            path = folder / member.name
            if member.isdir():
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif file := archive.extractfile(member):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(path, file.read())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


class Updates:
    """What a running agent does about offers. `fetch` gets a path of the server's as bytes, at most so many.

    `may_switch`: there is a launcher, which starts another version when this one ends.
    """

    def __init__(
        self,
        home: Path,
        keys: Mapping[str, str],
        fetch: Callable[[str, int], bytes],
        *,
        clock: Clock,
        may_switch: bool,
    ) -> None:
        self._versions, self._keys, self._fetch = Versions(home), keys, fetch
        self._clock, self._may_switch = clock, may_switch
        self._confirmed = False
        self._passed_over: set[str] = set()

    def followed(self, offer: object, *, busy: bool) -> bool:
        """After a check-in: this version works. Whether another one is ready to take its place; never amidst work."""
        if not self._confirmed:
            self._confirmed = True
            if self._versions.confirm(VERSION):
                log.info("version %s has checked in, and stays", VERSION)
        if busy or not isinstance(offer, dict) or not self._wants(offer):
            return False
        try:
            release = verify(offer, self._keys)
            install(release, self._fetch(str(offer.get("url")), release.size), self._versions)
        except Unreachable as error:
            log.warning("release %s not fetched: %s", offer.get("version"), error)
            return False
        except ReleaseRefused as error:
            self._passed_over.add(str(offer.get("version")))
            log.error("release %s refused: %s", offer.get("version"), error)
            return False
        self._versions.switch(release.version, now=self._clock.now())
        log.info("version %s takes over", release.version)
        return True

    def _wants(self, offer: Mapping[str, Any]) -> bool:
        """Each is looked at once in a life, and one that failed its trial never again."""
        version = str(offer.get("version"))
        return self._may_switch and version not in self._passed_over | self._versions.refused

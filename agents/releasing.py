"""Making and checking a release of the agent: an archive, its manifest as text, and an Ed25519 signature of that.

The private key belongs to whoever releases the agent, and never to the service: a service that is taken over can offer
nothing that machines would run.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from core.errors import InvalidInput, Problem

LARGEST = 8 * 1024 * 1024
_PART = 1_000_000
_NAMES = {"manifest": "release.json", "signature": "release.sig", "archive": "release.tar.gz"}


@dataclass(frozen=True, slots=True)
class Built:
    """A release as it is handed on: three files in a folder."""

    manifest: str
    key_id: str
    signature: bytes
    archive: bytes

    @property
    def version(self) -> str:
        """What the manifest says."""
        return str(json.loads(self.manifest)["version"])

    def write(self, folder: Path) -> None:
        """Make the three files."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _NAMES["manifest"]).write_text(self.manifest)
        signature = {"keyId": self.key_id, "signature": base64.b64encode(self.signature).decode()}
        (folder / _NAMES["signature"]).write_text(json.dumps(signature) + "\n")
        (folder / _NAMES["archive"]).write_bytes(self.archive)


def read(folder: Path) -> Built:
    """The three files. InvalidInput where one is missing or makes no sense."""
    try:
        signature = json.loads((folder / _NAMES["signature"]).read_text())
        return Built(
            manifest=(folder / _NAMES["manifest"]).read_text(),
            key_id=str(signature["keyId"]),
            signature=base64.b64decode(signature["signature"], validate=True),
            archive=(folder / _NAMES["archive"]).read_bytes(),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _refused(f"{folder} holds no release: {error}") from error


def build(sources: Path, key: Ed25519PrivateKey) -> Built:
    """A release of the agent whose package is `sources`. The same sources make the same archive, byte for byte."""
    version = version_of(sources)
    archive = _archive(sources)
    said = {"format": 1, "version": version, "sha256": hashlib.sha256(archive).hexdigest(), "size": len(archive)}
    manifest = json.dumps(said, sort_keys=True, separators=(",", ":"))
    public = key.public_key()
    return Built(manifest=manifest, key_id=key_id(public), signature=key.sign(manifest.encode()), archive=archive)


def check(built: Built, keys: Mapping[str, str]) -> None:
    """InvalidInput unless a known key signed it and it holds what the manifest says. `keys`: as in the settings."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[built.key_id], validate=True))
        public.verify(built.signature, built.manifest.encode())
    except KeyError:
        raise _refused(f"no key of AGENT_RELEASE_KEYS has the id {built.key_id}") from None
    except (InvalidSignature, ValueError):
        raise _refused("the signature is not of this manifest") from None
    said = json.loads(built.manifest)
    if (said["sha256"], said["size"]) != (hashlib.sha256(built.archive).hexdigest(), len(built.archive)):
        raise _refused("the archive is not the one that was signed")
    if len(built.archive) > LARGEST:
        raise _refused(f"the archive has more than {LARGEST} bytes")
    rank(built.version)


def rank(version: str) -> int:
    """A version such as 1.2.3 as one number. InvalidInput for what is none."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}){1,2}", version):
        raise _refused(f"{version!r} is no version such as 1.2.3")
    parts = [int(part) for part in version.split(".")]
    return sum(part * _PART ** (2 - place) for place, part in enumerate(parts))


def key_id(public: Ed25519PublicKey) -> str:
    """What a public key is called: the beginning of its digest."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def new_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and keep it in a file of the owner's alone. FileExistsError where there is one."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. InvalidInput where it holds none."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _refused(f"{path} holds no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(f"{path} holds a key of another kind than Ed25519")
    return key


def version_of(sources: Path) -> str:
    """What the package calls itself. InvalidInput where it does not."""
    try:
        found = re.search(r'^VERSION = "([^"]+)"$', (sources / "__init__.py").read_text(), re.MULTILINE)
    except OSError as error:
        raise _refused(f"{sources} holds no agent: {error}") from error
    if found is None:
        raise _refused(f"{sources}/__init__.py says no VERSION")
    rank(found[1])
    return found[1]


def _archive(sources: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(sources.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                member = tarfile.TarInfo(f"hostagent/{path.relative_to(sources).as_posix()}")
                member.size, member.mode = len(content), 0o644
                archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def _refused(message: str) -> InvalidInput:
    return InvalidInput(problems=[Problem("", "invalid", message)])

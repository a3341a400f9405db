"""The random values of one data folder: made once, kept in a file that only its owner reads."""

import base64
import secrets
from pathlib import Path

from embedded.files import locked, make_private_folder, read_json, write_json

# The login roles of roles.sql, and the superuser of the embedded server, as whom nothing of ours works.
ROLES = ("postgres", "patch_owner", "patch_web", "patch_worker", "patch_signer")


def load(data_dir: Path) -> dict[str, str]:
    """All secrets by name; missing ones are made and written to ``secrets.json`` (0600) under a lock.

    Names: SECRET_KEY, JWT_SECRET, MANIFEST_KEY_SECRET (a Fernet key), BROKER_PASSWORD, and <ROLE>_PASSWORD per role.
    """
    path = make_private_folder(data_dir) / "secrets.json"
    with locked(data_dir / "secrets.lock"):
        kept: dict[str, str] = read_json(path) or {}
        complete = fresh() | kept
        if complete != kept:
            write_json(path, complete)
    return complete


def fresh() -> dict[str, str]:
    """A whole new set."""
    passwords = {password_name(role): secrets.token_urlsafe(24) for role in ROLES}
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "JWT_SECRET": secrets.token_urlsafe(50),
        # What cryptography.fernet.Fernet.generate_key gives, without importing it for every command.
        "MANIFEST_KEY_SECRET": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "BROKER_PASSWORD": secrets.token_urlsafe(24),
        **passwords,
    }


def password_name(role: str) -> str:
    """Under which name the password of a database role is kept, and which variable roles.sql reads."""
    return f"{role.upper()}_PASSWORD"

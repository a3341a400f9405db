"""Secrets that we hand out and keep only as digests."""

import hashlib
import secrets


def new_secret(prefix: str) -> str:
    """A secret with 256 random bits; the prefix says to a reader (and to a leak scanner) what it is for."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """SHA-256 in hex. Enough for random 256-bit secrets, which nobody can guess; passwords get Argon2."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""Which shells this machine has."""

from hostagent.platforms.shells import Shell


def shell_of(script_type: str) -> Shell | None:
    """What runs scripts of this type; None where nothing here does."""
    return Shell(("/bin/sh",), ".sh") if script_type == "sh" else None

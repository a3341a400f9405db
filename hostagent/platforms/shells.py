"""What runs scripts of one type."""

from collections.abc import Sequence
from dataclasses import dataclass

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Shell:
    """`command` and a path run a script; its file ends in `suffix`, and begins with UTF-8's mark if `marked`."""

    command: Sequence[str]
    suffix: str
    marked: bool = False

    def content(self, script: bytes) -> bytes:
        """What stands in the file."""
        if not self.marked or script.startswith((_MARK, b"\xff\xfe", b"\xfe\xff")):
            return script
        try:
            script.decode()
        except UnicodeDecodeError:
            # Written in the machine's own code page, which is what is read without a mark.
            return script
        return _MARK + script

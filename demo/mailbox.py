"""A mail server on loopback that keeps what it gets."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller

from embedded.ports import find_free


class Mailbox:
    """A context manager: inside, mails to `host`:`port` land in `messages`."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.port = find_free()
        self._controller = Controller(self, hostname=self.host, port=self.port)

    def subjects(self) -> list[str]:
        """In the order of arrival."""
        return [str(message["Subject"]) for message in self.messages]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep one mail."""
        self.messages.append(BytesParser(EmailMessage, policy=policy.default).parsebytes(envelope.content))
        return "250 Message accepted for delivery"

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

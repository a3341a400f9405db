"""What can go wrong on purpose. Anything else is a bug, and ends the program."""


class AgentError(Exception):
    """A failure that we foresaw: the command line shows its text and exits with 1."""


class NotEnrolled(AgentError):
    """There is no agent.json in the agent's folder."""


class AlreadyEnrolled(AgentError):
    """There is an agent.json already; a second identity would orphan the first one's work."""


class AlreadyRunning(AgentError):
    """Another agent holds this folder."""


class JournalDamaged(AgentError):
    """A line before the last cannot be read. What was done is then unknown, so nothing more is done."""


class DiskFull(AgentError):
    """There was no room for a file of the agent's own. Nothing of it was written; it is tried again."""


class Unreachable(AgentError):
    """No usable answer after all attempts; the work goes on and the call is made again later."""


class Unauthorised(AgentError):
    """The server does not know our credential."""


class Quarantined(Unauthorised):
    """The server has stopped us: two copies of this agent ran, and an administrator is to decide."""


class Answered(AgentError):
    """The server said no (4xx): `status` and the decoded body, `{}` when it was not a JSON object."""

    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__(f"the server answered {status}: {body.get('message', 'no message')}")
        self.status = status
        self.body = body


class PackageManagerFailed(AgentError):
    """The machine's package manager answered with an error. `output` is what it printed."""

    def __init__(self, output: str) -> None:
        super().__init__(output.strip().rpartition("\n")[2] or "the package manager failed")
        self.output = output


class PackageManagerLocked(PackageManagerFailed):
    """Another program held the package manager's lock for longer than we wait."""


class DownloadFailed(AgentError):
    """A file could not be fetched."""


class BadFileDigest(AgentError):
    """A file was fetched, and it is not the one that was meant."""

"""The program on an endpoint: it asks the server for work, does it once, and reports it (docs/agent-protocol.md)."""

VERSION = "1.1.0"
# Of docs/agent-protocol.md.
PROTOCOL = "1.1"

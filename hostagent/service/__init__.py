"""The agent as a service of the machine: what is installed, and taken away again."""

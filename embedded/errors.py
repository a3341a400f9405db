"""The one error that this package foresees."""


class EmbeddedError(RuntimeError):
    """Something around the embedded servers went wrong; the message is a sentence for the person at the terminal."""

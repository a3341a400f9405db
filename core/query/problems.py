"""What is wrong with a query, and where."""

from core.errors import Problem

SYNTAX = "syntax"
UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a word of the query language
WRONG_TYPE = "wrong_type"
TOO_COMPLEX = "too_complex"


class QueryError(Exception):
    """One mistake. `column` counts characters from 1; whoever knows the parameter's name makes a Problem of it."""

    def __init__(self, code: str, column: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.column = column
        self.message = message

    def problem(self, field: str) -> Problem:
        """For the answer."""
        return Problem(field, self.code, f"column {self.column}: {self.message}")

"""One JSON object per line, with the ids of what is being worked on, and no secrets. No Django in here."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from logging import LogRecord
from typing import Any

from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
customer: ContextVar[str | None] = ContextVar("customer", default=None)
job: ContextVar[str | None] = ContextVar("job", default=None)
run: ContextVar[str | None] = ContextVar("run", default=None)

_VARIABLES = {"request_id": request_id, "customer": customer, "job": job, "run": run}
_HIDDEN = "***"
# What must not reach a log even when a library puts it into a message: tokens, keys, passwords in addresses.
_SECRETS = re.compile(
    r"(?P<bearer>\bBearer\s+)[^\s\"'\\,]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|\bpk_[\w-]{8,}"
    r"|\b(?:ag|ak|rt|feed)_[\w-]{40,}"
    r"|(?P<userinfo>://[^/\s:@\"\\]*:)[^/\s@\"\\]+(?=@)"
    r"|(?P<named>\b(?:password|passwd|secret|token|refresh_token|api_?key)\s*[=:]\s*)[^\s\"'\\,&]+",
    re.IGNORECASE,
)


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """Put ids (`request_id`, `customer`, `job`, `run`) on every line logged inside; what was bound before comes back.

    None unbinds. Raises TypeError for any other name.
    """
    unknown = ids.keys() - _VARIABLES.keys()
    if unknown:
        raise TypeError(f"cannot bind {', '.join(sorted(unknown))}")
    tokens = [(_VARIABLES[name], _VARIABLES[name].set(_text(value))) for name, value in ids.items()]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


def set_customer(value: object) -> None:
    """Bind the customer for the rest of the request, once authentication knows whose it is."""
    customer.set(_text(value))


def bound() -> dict[str, str]:
    """The ids that are bound now."""
    return {name: value for name, variable in _VARIABLES.items() if (value := variable.get()) is not None}


def hide_secrets(text: str) -> str:
    """The text with everything that looks like a token, a key or a password replaced by asterisks."""
    return _SECRETS.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    kept = found["bearer"] or found["userinfo"] or found["named"] or ""
    return kept + _HIDDEN


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class JSONFormatter(JsonFormatter):
    """time (UTC, ISO 8601), level, logger, message, the bound ids, whatever `extra` holds, and the traceback."""

    def add_fields(self, log_data: dict[str, Any], record: LogRecord, message_dict: dict[str, Any]) -> None:
        """Put ours first, so that lines can be read by eye."""
        log_data.update(
            time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            level=record.levelname,
            logger=record.name,
            **bound(),
        )
        super().add_fields(log_data, record, message_dict)
        # Django adds the request, whose text has the query string in it; path and ids are there already.
        log_data.pop("request", None)

    def format(self, record: LogRecord) -> str:
        """One line. Secrets are hidden last, so that arguments and tracebacks are covered too."""
        return hide_secrets(super().format(record))


def logging_config(level: str) -> dict[str, Any]:
    """Django's `LOGGING`: JSON lines of `level` and above.

    They go to standard error: what a command answers is on standard output.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "core.logs.JSONFormatter", "fmt": "%(message)s"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"},
        },
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": {
            # Django's own handlers write plain text; their lines go the common way.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # The access log has a line for every refused request already.
            "django.request": {"level": "ERROR"},
        },
    }

"""Lines of JSON, with ids and without secrets."""

import json
import logging
import logging.config
import sys

import pytest

from core import logs

# As long as the random part of the secrets that we hand out.
_RANDOM = "sE1IvuqsLD-mbA0DIXEWXSSELfNdxA-i0BZ_iVX6Q2U"


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    """What is written for one record."""
    record = logging.LogRecord("app", logging.INFO, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    written: dict[str, object] = json.loads(logs.JSONFormatter("%(message)s").format(record))
    return written


def test_formatter__inside_bind__carries_the_ids() -> None:
    with logs.bind(request_id="r1", customer=7), logs.bind(job=5, run=None):
        written = line("hello %s", "world", extra_field=1)

    assert written.pop("time")
    assert written == {
        "level": "INFO",
        "logger": "app",
        "message": "hello world",
        "request_id": "r1",
        "customer": "7",
        "job": "5",
        "extra_field": 1,
    }


def test_formatter__djangos_request__is_left_out_for_its_query_string() -> None:
    assert "hunter2" not in json.dumps(line("Bad Gateway: /x", request="<WSGIRequest: GET '/x?q=hunter2'>"))


def test_bind__left_by_an_exception__restores_what_was() -> None:
    with logs.bind(customer=1):
        with pytest.raises(ZeroDivisionError), logs.bind(customer=2):
            raise ZeroDivisionError

        assert logs.bound() == {"customer": "1"}


def test_set_customer__inside_bind__ends_with_it() -> None:
    with logs.bind(customer=None):
        logs.set_customer("c1")
        assert logs.bound() == {"customer": "c1"}

    assert logs.bound() == {}


def test_bind__unknown_name__is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="colour"), logs.bind(colour="red"):
        pass


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("jwt eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl here", "eyJzdWIi"),
        ("key pk_live_0123456789 used", "pk_live_0123456789"),
        *((f"GET /feeds/{kind}_{_RANDOM}.ics", _RANDOM) for kind in ("ag", "ak", "rt", "feed")),
        ("postgres://patch_web:hunter2@127.0.0.1/patch refused", "hunter2"),
        ("redis://:hunter2@127.0.0.1:6379/0", "hunter2"),
        ("password=hunter2&x=1", "hunter2"),
        ("refresh_token: hunter2", "hunter2"),
    ],
)
def test_formatter__secret_in_a_message__is_hidden(text: str, secret: str) -> None:
    assert secret not in json.dumps(line(text))
    assert secret not in json.dumps(line("%s", text))


def test_formatter__secret_in_a_traceback__is_hidden_and_the_line_stays_json() -> None:
    try:
        raise ValueError('bad "Bearer hunter2"')
    except ValueError:
        written = line("failed", exc_info=sys.exc_info())

    assert "hunter2" not in json.dumps(written)
    assert "ValueError" in str(written["exc_info"])


def test_hide_secrets__ordinary_words__are_left_alone() -> None:
    text = "GET https://host:8000/pm/v1/deploymentjob/5 took 3 ms; run_pk 7; token expired"

    assert logs.hide_secrets(text) == text


def test_logging_config__is_one_that_logging_takes() -> None:
    config = logs.logging_config("warning")

    logging.config.DictConfigurator(config)  # type: ignore[attr-defined]

    assert config["root"] == {"handlers": ["console"], "level": "WARNING"}

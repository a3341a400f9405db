"""The one module that speaks to a mail server: text and HTML from an event, through Django's SMTP backend."""

import unicodedata
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from core.models import Event

_LONGEST_SUBJECT = 150
_HEADLINES = {
    "run.started": "started",
    "run.share_reached": "reached its share",
    "run.completed": "ended",
    "run.canceled": "been canceled",
    "run.halted": "been halted",
}


def send(*, event: Event, recipient: str, message_id: str) -> None:
    """Send one mail. Raises SMTPException or OSError where the server does not take it.

    `message_id` makes a repeated mail recognisable: it is the same each time this delivery is tried.
    """
    context = _context(event)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=subject(event),
        body=render_to_string("notifications/run.txt", context),
        to=[recipient],
        headers={"Message-ID": f"<{message_id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("notifications/run.html", context), "text/html")
    message.send()


def subject(event: Event) -> str:
    """One line, whatever a job is called: control characters would begin a header of their own."""
    headline = f"{event.data['jobName']}: run {event.data['jobInstanceId']} {_HEADLINES[event.kind]}"
    return _unencoded(one_line(f"{headline}{_tail(event)}"))[:_LONGEST_SUBJECT]


def one_line(text: str) -> str:
    """The text without control, format and line-separating characters."""
    return "".join(" " if unicodedata.category(letter)[0] in {"C", "Z"} else letter for letter in text)


def _unencoded(text: str) -> str:
    """The text without what readers of a header take for an encoded word (RFC 2047), and would decode."""
    return text.replace("=?", "= ?")


def _tail(event: Event) -> str:
    counts = event.data.get("counts")
    if not counts:
        return ""
    return f", {counts.get('Succeeded', 0)} succeeded, {counts.get('Failed', 0)} failed"


def _context(event: Event) -> dict[str, Any]:
    address = f"{settings.PUBLIC_URL}/pm/v1/deploymentjob/{event.data['jobId']}"
    return {
        "event": event,
        "headline": _HEADLINES[event.kind],
        "job_name": one_line(event.data["jobName"]),
        "remediation": ", ".join(str(qid) for qid in event.data.get("remediationQids") or ()),
        "counts": sorted((event.data.get("counts") or {}).items()),
        "job_url": address,
        "run_url": f"{address}/runs/{event.data['jobInstanceId']}",
    }

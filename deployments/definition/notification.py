"""Who is told of a run, and of what."""

from typing import Annotated, Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import BeforeValidator, Field

from core.errors import MISSING
from core.shapes import Flag, Report, Shape, Values, WholeNumber
from deployments.definition.values import not_yet

MAX_RECIPIENTS = 100


def _recipients(value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be mail addresses, as a list or separated by commas")
    addresses = [part.strip() for part in parts if part.strip()]
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise ValueError(f"{address[:64]!r} is not a mail address") from None
    return list(dict.fromkeys(addresses))


def _mail_has_recipients(values: Values, report: Report) -> None:
    types, configs, events = (
        values.get(name) for name in ("notification_types", "notification_configs", "notification_events")
    )
    if types is None or not types.email:
        return
    if configs is not None and not configs.recipient_emails:
        report.add("notificationConfigs.recipientEmails", "required", "is required when email is true", MISSING)
    if events is not None and not (events.on_job_start or events.on_job_complete):
        message = "onJobStart or onJobComplete must be true when email is true"
        report.add("notification_events", "required", message, MISSING)


class NotificationTypes(Shape):
    """By which ways to tell."""

    email: Annotated[Flag, Field(description="Send mail.")] = False
    webhook: Annotated[Any, not_yet(False), Field(description="Call the customer's webhooks. Not supported yet.")] = (
        None
    )


class NotificationConfigs(Shape):
    """Whom to tell, and when a run counts as complete."""

    recipient_emails: Annotated[
        list[str],
        BeforeValidator(_recipients),
        Field(max_length=MAX_RECIPIENTS, description="Mail addresses, as a list or separated by commas."),
    ] = []
    completed_percentage: Annotated[
        WholeNumber | None,
        Field(ge=1, le=100, description="At what share of ended hosts `onJobComplete` is told; 100 where absent."),
    ] = None


class NotificationEvents(Shape):
    """What to tell."""

    on_job_start: Annotated[Flag, Field(description="Tell when a run starts.")] = False
    on_job_complete: Annotated[Flag, Field(description="Tell when a run is complete.")] = False


class Notification(Shape):
    """Who is told of a run's start and end. `email: false` is no notification."""

    shape_rules: ClassVar = (_mail_has_recipients,)

    notification_types: NotificationTypes = NotificationTypes()
    notification_configs: NotificationConfigs = NotificationConfigs()
    notification_events: NotificationEvents = NotificationEvents()

"""Calendars and pauses, as the wire contract has them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calendars import services
from calendars.api import answers, serializers
from calendars.api.bodies import (
    SOURCES,
    CalendarBody,
    CalendarChange,
    CalendarParameters,
    FreezeParameters,
    PauseBody,
    content_of,
)
from calendars.api.listings import CALENDARS, FREEZES
from calendars.models import Calendar, CustomerPause, Freeze, ServicePause
from core.errors import InvalidInput, Problem
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header
from core.parameters import parameters
from core.shapes import parse
from tenants.models import Role, User

# How clients say that something is not set. An empty list of entries is a calendar without freezes.
_UNSET = (None, "", "null")
# What a row does not show, and what may be long.
_LONG = ("entries", "ics")
_EXAMPLES = {
    "Kept here": {
        "name": "year end",
        "global": True,
        "timezone": "Europe/Berlin",
        "entries": [{"start": "2026-12-18T00:00:00", "end": "2027-01-04T06:00:00", "summary": "Year end"}],
    },
    "Every Friday": {
        "name": "no Fridays",
        "entries": [{"start": "2026-01-02T00:00:00", "end": "2026-01-03T00:00:00", "rrule": "FREQ=WEEKLY;BYDAY=FR"}],
    },
    "Fetched": {"name": "holidays", "url": "https://calendars.example.com/holidays.ics", "refreshMinutes": 240},
}


class CalendarBase(APIView):
    """What all of these share: whoever writes here holds jobs of other people back, or sets them free."""

    writing_role = Role.ADMIN

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def calendars(self) -> QuerySet[Calendar]:
        """The caller's."""
        return Calendar.objects.for_customer(self.user.customer_id).select_related("created_by", "updated_by")

    def one(self, calendar_id: UUID) -> Calendar:
        """One of them, or 404."""
        return get_object_or_404(self.calendars(), public_id=calendar_id)


@extend_schema(tags=["calendars"])
class CalendarsView(CalendarBase):
    """The customer's calendars."""

    @describe_list("listCalendars", rows=answers.Calendars, parameters=CalendarParameters)
    def get(self, request: Request) -> Response:
        """List calendars, by name."""
        wanted = parameters(request, CalendarParameters)
        named = Q(name__icontains=wanted.name) if wanted.name else Q()
        rows = self.calendars().filter(named).defer(*_LONG)
        return CALENDARS.page(request, rows, wanted, at=timezone.now(), render=serializers.calendar_row)

    @describe(
        "createCalendar",
        request=CalendarBody,
        answer=answers.Calendar,
        status=201,
        says="The calendar.",
        refuses=[409],
        parameters=[header("Location", "The path of the new calendar.", status=201), IDEMPOTENCY_KEY],
        examples=_EXAMPLES,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a calendar."""
        content = content_of(parse(CalendarBody, request.data))
        made = services.create_calendar(
            customer_id=self.user.customer_id, user=self.user, content=content, at=timezone.now()
        )
        where = f"/pm/v1/calendars/{made.public_id}"
        return Response(serializers.calendar_document(made), status=201, headers={"Location": where})


@extend_schema(tags=["calendars"])
class CalendarView(CalendarBase):
    """One calendar."""

    @describe("readCalendar", answer=answers.Calendar, says="The calendar.")
    def get(self, request: Request, calendar_id: UUID) -> Response:
        """Read a calendar."""
        return Response(serializers.calendar_document(self.one(calendar_id)))

    @describe("replaceCalendar", request=CalendarBody, answer=answers.Calendar, says="The calendar.", refuses=[409])
    def put(self, request: Request, calendar_id: UUID) -> Response:
        """Replace a calendar; what is left out is reset."""
        return self._changed(self.one(calendar_id), request.data)

    @describe("changeCalendar", request=CalendarChange, answer=answers.Calendar, says="The calendar.", refuses=[409])
    def patch(self, request: Request, calendar_id: UUID) -> Response:
        """Change a calendar: a JSON merge patch (RFC 7396). Of `entries`, `ics` and `url` one replaces the others."""
        # Locked before it is read: of two changes neither may put back what the other one changed.
        calendar = get_object_or_404(self.calendars().select_for_update(of=("self",)), public_id=calendar_id)
        return self._changed(calendar, _merged(calendar, request.data))

    @describe("deleteCalendar", answer=answers.CalendarDeleted, says="Deleted.", refuses=[409])
    def delete(self, request: Request, calendar_id: UUID) -> Response:
        """Delete a calendar that no live job names."""
        services.delete_calendar(calendar=self.one(calendar_id), at=timezone.now())
        return Response({"deleted": str(calendar_id)})

    def _changed(self, calendar: Calendar, body: object) -> Response:
        content = content_of(parse(CalendarBody, body))
        changed = services.change_calendar(calendar=calendar, user=self.user, content=content, at=timezone.now())
        return Response(serializers.calendar_document(changed))


@extend_schema(tags=["calendars"])
class CalendarRefreshView(CalendarBase):
    """Fetching one before its time."""

    @describe("refreshCalendar", request=None, answer=answers.Calendar, status=202, says="The calendar.", refuses=[409])
    def post(self, request: Request, calendar_id: UUID) -> Response:
        """Have a calendar fetched now. A worker does it soon after; `fetchedDate` and `error` tell how it went."""
        calendar = self.one(calendar_id)
        services.want_refresh(calendar=calendar, at=timezone.now())
        return Response(serializers.calendar_document(calendar), status=202)


@extend_schema(tags=["calendars"])
class FreezesView(CalendarBase):
    """A calendar's freezes."""

    @describe_list("listFreezes", rows=answers.Freezes, parameters=FreezeParameters)
    def get(self, request: Request, calendar_id: UUID) -> Response:
        """List the freezes of a calendar, by start: from 400 days ago to two years ahead there are all of them."""
        calendar, at = self.one(calendar_id), timezone.now()
        wanted = parameters(request, FreezeParameters)
        rows = Freeze.objects.for_customer(calendar.customer_id)
        rows = rows.filter(calendar=calendar, ends_at__gt=wanted.from_ or at)
        if wanted.to:
            rows = rows.filter(starts_at__lt=wanted.to)
        return FREEZES.page(request, rows, wanted, at=at, render=serializers.freeze_row)


@extend_schema(tags=["pause"])
class PauseView(CalendarBase):
    """The customer's brake."""

    @describe("readPause", answer=answers.Pause, says="Whether anything may start.")
    def get(self, request: Request) -> Response:
        """Read whether anything of the customer's may start, and whether the whole service is paused."""
        return self._shown()

    @describe("pause", request=PauseBody, answer=answers.Pause, says="Whether anything may start.")
    def put(self, request: Request) -> Response:
        """Let nothing of the customer's start, or let it start again. What runs already goes on."""
        body = parse(PauseBody, request.data)
        if body.paused:
            services.pause_customer(user=self.user, reason=body.reason or "", at=timezone.now())
        else:
            services.resume_customer(user=self.user, at=timezone.now())
        return self._shown()

    def _shown(self) -> Response:
        own = CustomerPause.objects.for_customer(self.user.customer_id).select_related("paused_by").first()
        return Response(serializers.pause_document(own, ServicePause.objects.first()))


def _merged(calendar: Calendar, patch: object) -> dict[str, Any]:
    """The calendar with what the patch says. Another source takes the place of the one before."""
    if not isinstance(patch, Mapping):
        raise InvalidInput(problems=[Problem("", "invalid", "must be an object")])
    document = serializers.calendar_document(calendar)
    given_up = {*SOURCES, "refreshMinutes"} if any(patch.get(name) not in _UNSET for name in SOURCES) else set()
    if patch.get("url") not in _UNSET:
        given_up -= {"refreshMinutes"}
    return {name: document[name] for name in serializers.WRITABLE if name not in given_up} | dict(patch)

"""What the lists of calendars and freezes are: how their rows look, and what they can be asked."""

from django.db.models import Q

from calendars.api import answers
from calendars.models import Source
from core.paging import Listing
from core.query import ChoiceToken, DateToken, TextToken, UuidToken, flag_when

CALENDARS = Listing(
    row=answers.CalendarRow,
    order=["name"],
    columns={
        "id": "public_id",
        "name": "name",
        "global": "is_global",
        "timezone": "timezone",
        "source": "source",
        "fetchedDate": "fetched_at",
        "createdBy.date": "created_at",
        "updatedBy.date": "updated_at",
    },
    tokens={
        "id": UuidToken(column="public_id"),
        "name": TextToken(column="name"),
        "description": TextToken(column="description"),
        "global": flag_when(Q(is_global=True)),
        "timezone": TextToken(column="timezone"),
        "source": ChoiceToken(cases=tuple((one.value, Q(source=one)) for one in Source)),
        "url": TextToken(column="url"),
        "error": TextToken(column="error"),
        "fetchedDate": DateToken(column="fetched_at"),
        "createdBy.date": DateToken(column="created_at"),
    },
)
FREEZES = Listing(
    row=answers.FreezeRow,
    order=["starts_at"],
    columns={"start": "starts_at", "end": "ends_at", "summary": "summary"},
    tokens={
        "start": DateToken(column="starts_at"),
        "end": DateToken(column="ends_at"),
        "summary": TextToken(column="summary"),
    },
)

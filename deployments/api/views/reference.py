"""What the API's own words are: time zones, enumerations, and the fields of a job. The same for everybody."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.details import NoParameters
from core.openapi import describe, header
from core.parameters import parameters
from deployments.api import reference, reference_answers
from deployments.api.fields import field_rows
from deployments.definition import JobDefinition

_COUNT = header("X-Total-Count", "How many rows there are in all.", type=int)


class ReferenceView(APIView):
    """A list that is answered whole, since it does not grow with what a customer has."""

    def answered(self, request: Request, rows: list[Any]) -> Response:
        """All rows at once."""
        parameters(request, NoParameters)
        return Response(rows, headers={"X-Total-Count": str(len(rows))})


@extend_schema(tags=["reference"])
class TimezonesView(ReferenceView):
    """The time zones that a schedule may name."""

    @describe(
        "readTimezones", answer=reference_answers.Timezones, says="All zones, by name; not paged.", parameters=[_COUNT]
    )
    def get(self, request: Request) -> Response:
        """List the accepted time zones, each with its offset from UTC at this moment."""
        return self.answered(request, reference.timezone_rows(timezone.now()))


@extend_schema(tags=["reference"])
class EnumerationsView(APIView):
    """The words that fields of this API take or answer."""

    @describe("readEnumerations", answer=reference_answers.Enumerations, says="Values by the enumeration's name.")
    def get(self, request: Request) -> Response:
        """Read every enumeration of the API."""
        parameters(request, NoParameters)
        return Response(reference.enumerations())


@extend_schema(tags=["reference"])
class FieldsView(ReferenceView):
    """The fields of a deployment job."""

    @describe(
        "readJobFields",
        answer=reference_answers.JobFields,
        says="All fields, in the order of their declaration; not paged.",
        parameters=[_COUNT],
    )
    def get(self, request: Request) -> Response:
        """Read what each field of a deployment job takes and means."""
        return self.answered(request, field_rows(JobDefinition))

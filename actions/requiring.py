"""Rules that several kinds share."""

from collections.abc import Iterable

from actions.params import wire
from core.errors import MISSING
from core.shapes import Report, Values


def need_params(names: Iterable[str], params: Values, report: Report) -> None:
    """Each of these must be there."""
    for name in names:
        if params.sound(name) and params.get(name) is None:
            report.add(f"params.{wire(name)}", "required", "is required", MISSING)

"""docs/states.md is what the code says today."""

from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command


def test_states__printed_now__is_the_stored_page() -> None:
    printed = StringIO()

    call_command("print_states", stdout=printed)

    stored = (Path(settings.BASE_DIR) / "docs" / "states.md").read_text()
    assert printed.getvalue() == stored, "run `manage.py print_states >docs/states.md`"

"""docs/reasons.md is what the code says today, and the catalogue is whole."""

from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from deployments.reasons import CATALOGUE


def test_reasons__printed_now__is_the_stored_page() -> None:
    printed = StringIO()

    call_command("print_reasons", stdout=printed)

    stored = (Path(settings.BASE_DIR) / "docs" / "reasons.md").read_text()
    assert printed.getvalue() == stored, "run `manage.py print_reasons >docs/reasons.md`"


def test_reasons__every_code__has_a_sentence_of_its_own() -> None:
    for kind, sentences in CATALOGUE.items():
        assert list(sentences) == sorted(sentences, key=list(sentences).index)
        assert set(sentences) == {member.value for member in kind}
        assert len(set(sentences.values())) == len(sentences)
        assert all(text.endswith(".") for text in sentences.values())

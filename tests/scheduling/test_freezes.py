"""What iCalendar texts freeze: zones, whole days, repetitions, exceptions, and what cannot be meant."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduling.freezes import Unreadable, event, frozen, rule_problem, text_of

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def _text(*events: str, before: str = "") -> str:
    inside = "".join(
        f"BEGIN:VEVENT\n{'' if 'UID' in one else f'UID:{n}{chr(10)}'}{one}\nEND:VEVENT\n"
        for n, one in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{before}{inside}END:VCALENDAR\n"


def _found(text: str, zone: str = "Europe/Berlin") -> list[str]:
    return [
        f"{one.start:%m-%d %H:%M} to {one.end:%m-%d %H:%M}" for one in frozen(text, zone=zone, start=START, end=END)
    ]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("DTSTART:20260301T100000Z\nDTEND:20260301T110000Z", ["03-01 10:00 to 03-01 11:00"]),
        ("DTSTART:20260301T100000Z\nDURATION:PT90M", ["03-01 10:00 to 03-01 11:30"]),
        ("DTSTART:20260301T100000\nDTEND:20260301T110000", ["03-01 09:00 to 03-01 10:00"]),
        ("DTSTART;TZID=Asia/Tokyo:20260301T100000\nDURATION:PT1H", ["03-01 01:00 to 03-01 02:00"]),
        ("DTSTART;TZID=W. Europe Standard Time:20260301T100000\nDURATION:PT1H", ["03-01 09:00 to 03-01 10:00"]),
        ("DTSTART;VALUE=DATE:20260301\nDTEND;VALUE=DATE:20260303", ["02-28 23:00 to 03-02 23:00"]),
        ("DTSTART;VALUE=DATE:20260301", ["02-28 23:00 to 03-01 23:00"]),
        ("DTSTART:20260301T100000Z", []),
        ("DTSTART:20260301T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED", []),
        ("DTSTART:20260301T100000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", ["03-01 10:00 to 03-01 11:00"]),
        ("DTSTART:20200301T100000Z\nDTEND:20260101T010000Z", ["03-01 10:00 to 01-01 01:00"]),
        ("DTSTART:20270101T000000Z\nDURATION:PT1H", []),
        # The hour that a spring change skips, and the one that an autumn change repeats.
        ("DTSTART:20260329T023000\nDTEND:20260329T040000", ["03-29 01:00 to 03-29 02:00"]),
        ("DTSTART:20261025T023000\nDTEND:20261025T040000", ["10-25 00:30 to 10-25 03:00"]),
    ],
)
def test_frozen__one_event__is_from_its_start_to_its_end(lines: str, found: list[str]) -> None:
    assert _found(_text(lines)) == found


def test_frozen__repetition__goes_by_the_clock_and_leaves_out_its_exceptions() -> None:
    lines = (
        "DTSTART;TZID=Europe/Berlin:20260326T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\n"
        "EXDATE;TZID=Europe/Berlin:20260327T100000"
    )

    assert _found(_text(lines)) == [
        "03-26 09:00 to 03-26 10:00",
        "03-28 09:00 to 03-28 10:00",
        "03-29 08:00 to 03-29 09:00",
        "03-30 08:00 to 03-30 09:00",
    ]


def test_frozen__occurrence_that_was_moved__is_where_it_was_moved_to() -> None:
    series = "UID:a\nDTSTART:20260301T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"
    moved = "UID:a\nRECURRENCE-ID:20260302T100000Z\nDTSTART:20260302T150000Z\nDURATION:PT1H"
    gone = "UID:a\nRECURRENCE-ID:20260303T100000Z\nDTSTART:20260303T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED"

    assert _found(_text(series, moved, gone)) == ["03-01 10:00 to 03-01 11:00", "03-02 15:00 to 03-02 16:00"]


def test_frozen__zone_that_the_text_brings_along__counts() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\n"
        "END:STANDARD\nEND:VTIMEZONE\n"
    )

    assert _found(_text("DTSTART;TZID=Ours:20260301T100000\nDURATION:PT1H", before=zone)) == [
        "03-01 07:00 to 03-01 08:00"
    ]


def test_frozen__folded_lines_and_several_calendars__are_read() -> None:
    folded = _text("DTSTART:20260301T100000Z\nDURATION:PT1H\nSUMMARY:one\n  and more").replace("\n", "\r\n")

    found = frozen(folded + _text("DTSTART:20260302T100000Z\nDURATION:PT1H"), zone="UTC", start=START, end=END)

    assert [one.summary for one in found] == ["one and more", ""]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("DTSTART:nix\nDURATION:PT1H", "event with UID '0': DTSTART: "),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nDTEND:nix", "event 's': DTEND: "),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nDURATION:-PT1H", "event 's': ends before it begins"),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nRRULE:FREQ=NIX", "event 's': RRULE: "),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nRRULE:FREQ=HOURLY", "event 's': RRULE: FREQ must be one of"),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nRRULE:COUNT=3", "event 's': RRULE: FREQ must be one of"),
        (
            "SUMMARY:s\nDTSTART:20260301T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0",
            "event 's': RRULE: INTERVAL and",
        ),
        ("SUMMARY:s\nDTSTART;VALUE=TEXT:x", "event 's': DTSTART must be a date"),
        ("SUMMARY:s\nDTSTART;VALUE=TIME:100000\nDURATION:PT1H", "event 's': DTSTART must be a date"),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nDTEND;VALUE=DURATION:PT1H", "event 's': DTEND must be a date"),
        ("SUMMARY:s\nDTSTART:20260301T100000Z\nDURATION;VALUE=TEXT:x", "event 's': DURATION must be a length"),
        *(
            (
                f"SUMMARY:s\nDTSTART:20260301T100000Z\n{line}\n{line}\nRRULE:FREQ=DAILY",
                f"event 's': {line.partition(':')[0]} stands there more than once",
            )
            for line in (
                "DTSTART:20260302T100000Z",
                "DTEND:20260301T110000Z",
                "DURATION:PT1H",
                "RECURRENCE-ID:20260301T100000Z",
                "STATUS:CANCELLED",
            )
        ),
        ("DTSTART 20260301T100000Z", "line 6: must be NAME:VALUE"),
    ],
)
def test_frozen__event_that_cannot_be_meant__is_named(lines: str, problem: str) -> None:
    with pytest.raises(Unreadable) as refused:
        frozen(_text(lines), zone="UTC", start=START, end=END)

    assert str(refused.value).startswith(problem)


def test_frozen__several_bad_events__are_all_named() -> None:
    with pytest.raises(Unreadable) as refused:
        frozen(_text("SUMMARY:a", "SUMMARY:b", "DTSTART:20260301T100000Z"), zone="UTC", start=START, end=END)

    assert [one.where for one in refused.value.problems] == ["event 'a'", "event 'b'"]


def test_frozen__as_many_as_are_taken__and_one_more() -> None:
    events = ["DTSTART:20260301T100000Z\nDURATION:PT1H"] * 3

    assert len(frozen(_text(*events), zone="UTC", start=START, end=END, most=3)) == 3
    with pytest.raises(Unreadable, match="there are more than 2 freezes"):
        frozen(_text(*events), zone="UTC", start=START, end=END, most=2)


def test_text_of__events__reads_back_as_they_were() -> None:
    start = datetime(2026, 3, 1, 10)  # noqa: DTZ001 - by the calendar's clocks
    one = event(start=start, end=start + timedelta(hours=1), summary="a; b, c\nd", rule="FREQ=WEEKLY;COUNT=2", uid="1")

    found = frozen(text_of([one]), zone="UTC", start=START, end=END)

    assert [(item.start.day, item.summary) for item in found] == [(1, "a; b, c\nd"), (8, "a; b, c\nd")]


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;UNTIL=20301231T000000Z"])
def test_rule_problem__rule_of_the_standard__has_none(rule: str) -> None:
    assert rule_problem(rule) is None


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=DAILY;BYHOUR=25", "BYHOUR must be 0 to 23"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR must be 0 to 23"),
        ("FREQ=DAILY;BYHOUR=1;BYMINUTE=60", "BYMINUTE must be 0 to 59"),
    ],
)
def test_rule_problem__time_of_day_that_no_clock_shows__is_told(rule: str, said: str) -> None:
    assert rule_problem(rule) == said


@pytest.mark.parametrize("rule", ["", "daily", "FREQ=MINUTELY", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;BYDAY=XX"])
def test_rule_problem__anything_else__is_told(rule: str) -> None:
    assert rule_problem(rule)

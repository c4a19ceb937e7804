"""Times as staff read them: right in the municipality's zone, and never longer than they must be."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.web import dates

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 3, 13, 5, tzinfo=UTC)  # Tuesday 14.05 in Oslo
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 3, 8, 0, tzinfo=UTC), "i dag 09.00"),
        (datetime(2026, 11, 2, 23, 30, tzinfo=UTC), "i dag 00.30"),  # yesterday in UTC
        (datetime(2026, 11, 2, 22, 30, tzinfo=UTC), "i går 23.30"),
        (datetime(2026, 10, 30, 8, 0, tzinfo=UTC), "fre. 09.00"),
        (datetime(2026, 10, 3, 8, 0, tzinfo=UTC), "3. okt. 10.00"),  # still summer time
        (datetime(2025, 11, 3, 8, 0, tzinfo=UTC), "3. nov. 2025 09.00"),
        (datetime(2026, 11, 4, 8, 0, tzinfo=UTC), "i morgen 09.00"),
    ],
)
def test_a_time_is_as_short_as_it_is_clear(at: datetime, words: str) -> None:
    assert dates.relative(at, NOW, OSLO) == words


def test_the_exact_time_is_said_in_full() -> None:
    assert dates.exact(NOW, OSLO) == "tirsdag 3. november 2026 kl. 14.05"


@pytest.mark.parametrize(
    ("at", "words", "urgency"),
    [
        (NOW, "Over frist (1 min)", "late"),
        (NOW - timedelta(minutes=59), "Over frist (59 min)", "late"),
        (NOW - timedelta(hours=1), "Over frist (1 time)", "late"),
        (NOW - timedelta(hours=26), "Over frist (1 dag)", "late"),
        (NOW - timedelta(days=3), "Over frist (3 dager)", "late"),
        (NOW + timedelta(hours=1), "Frist i dag 15.05", "soon"),
        (NOW + timedelta(hours=20), "Frist i morgen", "soon"),
        (NOW + timedelta(hours=30), "Frist i morgen", "later"),
        (NOW + timedelta(days=3), "Frist fre.", "later"),
        (NOW + timedelta(days=30), "Frist 3. des.", "later"),
    ],
)
def test_a_deadline_says_how_near_it_is(at: datetime, words: str, urgency: str) -> None:
    assert dates.due(at, NOW, OSLO) == dates.Due(words, urgency)  # type: ignore[arg-type]  # the table's literals


def test_days_between_messages_have_their_whole_name() -> None:
    today = date(2026, 11, 3)
    assert dates.day(today, today) == "i dag"
    assert dates.day(date(2026, 11, 2), today) == "i går"
    assert dates.day(date(2026, 10, 30), today) == "fredag 30. oktober"
    assert dates.day(date(2026, 3, 1), today) == "1. mars"
    assert dates.day(date(2025, 3, 1), today) == "1. mars 2025"


@given(MOMENTS, MOMENTS)
def test_any_two_moments_can_be_said(at: datetime, now: datetime) -> None:
    assert dates.relative(at, now, OSLO)
    due = dates.due(at, now, OSLO)
    assert (due.urgency == "late") == (at <= now)
    assert due.words

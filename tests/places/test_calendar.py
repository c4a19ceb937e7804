"""Opening hours and working days: right in ordinary weeks, over holidays, and when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.places import place
from contactbot.places.calendar import OpeningHours

OSLO = ZoneInfo("Europe/Oslo")
OFFICE = OpeningHours(
    weekly={day: ((time(8), time(15, 30)),) for day in range(5)},
    zone=OSLO,
    closed_days=frozenset({date(2026, 12, 24), date(2026, 12, 31)}),
    holidays=place("no").holidays,
)
DUTY = OpeningHours(weekly={day: ((time(22), time(6)),) for day in range(7)}, zone=OSLO)

moments = st.datetimes(datetime(2025, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
intervals = st.lists(st.tuples(st.times(), st.times()), max_size=3).map(tuple)
weeks = st.dictionaries(st.integers(0, 6), intervals, max_size=7).filter(lambda week: any(week.values()))
desks = st.builds(OpeningHours, weekly=weeks, zone=st.just(OSLO), holidays=st.just(place("no").holidays))


def oslo(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=OSLO)  # type: ignore[misc, arg-type] # mypy cannot count the star


def test_a_desk_is_open_from_its_first_minute_and_closed_at_its_last() -> None:
    assert OFFICE.is_open(oslo(2026, 11, 23, 8, 0))
    assert not OFFICE.is_open(oslo(2026, 11, 23, 15, 30))
    assert not OFFICE.is_open(oslo(2026, 11, 22, 12, 0))


def test_a_friday_afternoon_opens_again_on_monday() -> None:
    assert OFFICE.next_open(oslo(2026, 11, 20, 16, 0)) == oslo(2026, 11, 23, 8, 0)


def test_easter_closes_the_desk_from_thursday_to_tuesday() -> None:
    assert OFFICE.next_open(oslo(2027, 3, 25, 9, 0)) == oslo(2027, 3, 30, 8, 0)


def test_local_closing_days_count_like_holidays() -> None:
    assert OFFICE.next_open(oslo(2026, 12, 24, 9, 0)) == oslo(2026, 12, 28, 8, 0)


def test_working_minutes_run_over_the_weekend_and_the_seventeenth_of_may() -> None:
    # Friday 14 May 2027, 15:00: half an hour left, then Whit Monday and 17 May fall on the same Monday.
    assert OFFICE.add_working_minutes(oslo(2027, 5, 14, 15, 0), 60) == oslo(2027, 5, 18, 8, 30)


def test_a_deadline_may_fall_on_the_closing_minute() -> None:
    assert OFFICE.add_working_minutes(oslo(2026, 11, 23, 15, 0), 30) == oslo(2026, 11, 23, 15, 30)


def test_five_working_days_do_not_count_the_day_of_the_request() -> None:
    assert OFFICE.add_working_days(oslo(2026, 11, 23, 9, 0), 5) == oslo(2026, 11, 30, 15, 30)


def test_zero_working_days_is_today_until_the_desk_closes_and_then_the_next_day() -> None:
    assert OFFICE.add_working_days(oslo(2026, 11, 23, 9, 0), 0) == oslo(2026, 11, 23, 15, 30)
    assert OFFICE.add_working_days(oslo(2026, 11, 23, 16, 0), 0) == oslo(2026, 11, 24, 15, 30)


def test_the_night_in_spring_has_an_hour_less_and_the_night_in_autumn_an_hour_more() -> None:
    spring = DUTY.add_working_minutes(oslo(2027, 3, 27, 22, 0), 7 * 60)
    autumn = DUTY.add_working_minutes(oslo(2026, 10, 24, 22, 0), 9 * 60)
    assert spring == oslo(2027, 3, 28, 6, 0)
    assert autumn == oslo(2026, 10, 25, 6, 0)


def test_a_night_interval_belongs_to_the_day_it_began_on() -> None:
    sunday_night = OpeningHours(weekly={6: ((time(22), time(6)),)}, zone=OSLO)
    assert sunday_night.is_open(oslo(2026, 11, 23, 5, 59))
    assert not sunday_night.is_open(oslo(2026, 11, 22, 5, 59))


def test_an_interval_in_the_hour_that_spring_skips_is_empty_that_night() -> None:
    desk = OpeningHours(weekly={day: ((time(2), time(3)),) for day in range(7)}, zone=OSLO)
    assert desk.next_open(oslo(2027, 3, 28, 0, 0)) == oslo(2027, 3, 29, 2, 0)


def test_hours_without_any_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one interval"):
        OpeningHours(weekly={0: ()}, zone=OSLO)


def test_naive_times_and_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        OFFICE.is_open(datetime(2026, 11, 23, 9))  # noqa: DTZ001 - the naive time is the example
    with pytest.raises(ValueError, match="negative"):
        OFFICE.add_working_minutes(oslo(2026, 11, 23, 9), -1)
    with pytest.raises(ValueError, match="negative"):
        OFFICE.add_working_days(oslo(2026, 11, 23, 9), -1)


@given(desks, moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(desk: OpeningHours, moment: datetime) -> None:
    opening = desk.next_open(moment)
    assert opening >= moment
    assert desk.is_open(opening)
    assert desk.is_open(moment) == (opening == moment)
    if opening > moment:
        assert not desk.is_open(moment + (opening - moment) / 2)


@given(desks, moments, st.integers(0, 5_000), st.integers(0, 5_000))
def test_working_minutes_add_up(desk: OpeningHours, moment: datetime, first: int, second: int) -> None:
    once = desk.add_working_minutes(moment, first + second)
    assert once == desk.add_working_minutes(desk.add_working_minutes(moment, first), second)
    assert once - moment >= timedelta(minutes=first + second)


@given(desks, moments, st.integers(1, 30))
def test_a_deadline_in_working_days_is_in_the_future(desk: OpeningHours, moment: datetime, days: int) -> None:
    assert desk.add_working_days(moment, days) > moment


@given(moments, st.integers(1, 60))
def test_office_deadlines_are_on_working_days(moment: datetime, days: int) -> None:
    deadline = OFFICE.add_working_days(moment, days).astimezone(OSLO)
    assert deadline.date() not in place("no").holidays
    assert deadline.weekday() < 5
    assert deadline.time() == time(15, 30)

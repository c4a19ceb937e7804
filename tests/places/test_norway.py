"""Norway: national ids by every rule, phone numbers in one form, holidays, and the telephones that help."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.places import UnknownPlaceError, place
from contactbot.places.no.accounts import is_account_number
from contactbot.places.no.national_ids import is_national_id

NORWAY = place("NO")
OSLO = ZoneInfo("Europe/Oslo")


def test_an_unknown_country_is_named_in_the_error() -> None:
    with pytest.raises(UnknownPlaceError, match="'sv'"):
        place("sv")


@pytest.mark.parametrize(
    ("number", "what"),
    [
        ("29029600013", "an ordinary number of a leap day"),
        ("41018100140", "a D-number"),
        ("01810100016", "a synthetic person, month + 80"),
        ("01660100160", "a synthetic person, month + 65"),
        ("01410100033", "month + 40"),
        ("41810100190", "a synthetic D-number"),
        ("01013200080", "a number of the rule of 2032"),
    ],
)
def test_known_numbers_are_national_ids(number: str, what: str) -> None:
    assert is_national_id(number), what


def complete(nine: str, remainder: int = 0) -> str | None:
    """Complete nine digits by the rule, written a second time on purpose; None where no digit fits."""
    first = (remainder - sum(w * int(d) for w, d in zip((3, 7, 6, 1, 8, 9, 4, 5, 2), nine, strict=True))) % 11
    ten = f"{nine}{first}"
    second = -sum(w * int(d) for w, d in zip((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), ten[:10], strict=True)) % 11
    return f"{ten}{second}" if first < 10 and second < 10 else None


@given(
    st.dates(date(1900, 1, 1), date(2039, 12, 31)),
    st.integers(0, 999),
    st.sampled_from([0, 40]),
    st.sampled_from([0, 40, 65, 80]),
    st.integers(0, 3),
)
def test_every_rule_in_force_until_and_after_2032_is_accepted(
    born: date, individual: int, day_offset: int, month_offset: int, remainder: int
) -> None:
    nine = f"{born.day + day_offset:02}{born.month + month_offset:02}{born.year % 100:02}{individual:03}"
    number = complete(nine, remainder)
    assert number is None or is_national_id(number)


@given(st.integers(4, 10), st.integers(0, 999))
def test_other_remainders_are_not_accepted(remainder: int, individual: int) -> None:
    number = complete(f"150765{individual:03}", remainder)
    assert number is None or not is_national_id(number)


@pytest.mark.parametrize("number", ["32016500000", "00016500000", "01136500000", "30026500000"])
def test_a_day_that_no_calendar_has_is_no_national_id(number: str) -> None:
    assert not any(is_national_id(f"{number[:6]}{rest:05}") for rest in range(0, 100_000, 7))


def test_account_numbers_have_a_check_digit() -> None:
    assert is_account_number("12345678903")
    assert not is_account_number("12345678904")
    assert not is_account_number("00000000000")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("99 99 99 99", "+4799999999"),
        ("99999999", "+4799999999"),
        ("4799999999", "+4799999999"),
        ("+47 999 99 999", "+4799999999"),
        ("0047 99999999", "+4799999999"),
        ("(+46) 70-123 45 67", "+46701234567"),
        ("+4758000000000", "+4758000000000"),
        ("1881", "1881"),
        ("2026", "2026"),
        ("116117", "116117"),
        ("VIPPS", "VIPPS"),
        ("Fjordvik kommune", "Fjordvik kommune"),
        (" Posten ", "Posten"),
        ("", ""),
    ],
)
def test_a_phone_number_gets_one_form_and_is_never_refused(written: str, kept: str) -> None:
    assert NORWAY.normalise_phone(written) == kept


@given(st.text(max_size=40))
def test_normalising_a_sender_twice_changes_nothing_more(written: str) -> None:
    once = NORWAY.normalise_phone(written)
    assert NORWAY.normalise_phone(once) == once


def test_holidays_are_norwegian_and_in_norwegian() -> None:
    assert date(2027, 5, 17) in NORWAY.holidays
    assert date(2027, 5, 16) in NORWAY.holidays
    assert date(2026, 12, 24) not in NORWAY.holidays
    assert NORWAY.holiday_name(date(2027, 3, 25)) == "Skjærtorsdag"
    assert NORWAY.holiday_name(date(2027, 5, 18)) is None


@pytest.mark.parametrize("year", range(1950, 2101))
def test_holidays_are_those_of_the_library_that_knows_every_countrys(year: int) -> None:
    theirs = holidays.country_holidays("NO", years=year, language="no")
    ours = {day: NORWAY.holiday_name(day) for day in theirs}
    assert {day: set((name or "").split("; ")) for day, name in ours.items()} == {
        day: set(names.split("; ")) for day, names in theirs.items()
    }
    days = (date(year, 1, 1) + timedelta(number) for number in range(366))
    assert sum(day in NORWAY.holidays for day in days if day.year == year) == len(theirs)


def test_the_clocks_of_law_name_their_source() -> None:
    assert NORWAY.clocks["answer"].months == 1
    assert NORWAY.clocks["access_request"].working_days == 5
    assert all(clock.source for clock in NORWAY.clocks.values())


def numbers(kind: str, at: datetime, channel: str = "sms", *, minor: bool = False) -> list[str]:
    return [line.number for line in NORWAY.help_lines(kind, at, channel, minor=minor)]


DAY = datetime(2026, 11, 23, 12, 0, tzinfo=OSLO)
EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=OSLO)


def test_the_most_urgent_number_comes_first() -> None:
    assert numbers("fire", DAY) == ["110"]
    assert numbers("medical", DAY)[0] == "113"
    assert numbers("violence", DAY)[0] == "112"
    assert numbers("threat", DAY) == ["112"]
    assert numbers("suicide", DAY) == ["113", "116 123", "22 40 00 40", "116 117"]


def test_a_child_is_given_the_childrens_line() -> None:
    assert "116 111" in numbers("suicide", DAY, minor=True)
    assert numbers("child", DAY, minor=True)[0] == "116 111"


@pytest.mark.parametrize(
    ("at", "channel", "written"),
    [
        (datetime(2026, 11, 23, 16, 14, tzinfo=OSLO), "sms", False),
        (datetime(2026, 11, 23, 16, 15, tzinfo=OSLO), "sms", True),
        (datetime(2026, 11, 23, 22, 44, tzinfo=OSLO), "webchat", True),
        (datetime(2026, 11, 23, 22, 45, tzinfo=OSLO), "webchat", False),
        (datetime(2026, 11, 28, 23, 44, tzinfo=OSLO), "xmpp", True),
        (datetime(2026, 11, 23, 20, 0, tzinfo=OSLO), "email", False),
    ],
)
def test_the_childrens_chat_is_only_offered_while_it_is_open_and_to_those_who_write(
    at: datetime, channel: str, *, written: bool
) -> None:
    (line,) = (line for line in NORWAY.help_lines("child", at, channel, minor=True) if line.number == "116 111")
    assert ("SMS" in line.note_by_language["nb"]) == written


def test_every_line_has_its_note_in_every_language_of_the_country() -> None:
    for kind in ("suicide", "violence", "child", "medical", "fire", "threat"):
        for minor in (False, True):
            for line in NORWAY.help_lines(kind, EVENING, "sms", minor=minor):
                assert {"nb", "nn", "en"} <= line.note_by_language.keys()


def test_an_unknown_danger_has_no_lines() -> None:
    with pytest.raises(LookupError):
        NORWAY.help_lines("boredom", DAY, "sms", minor=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jeg bor i Storgata 12B, 3111 Tønsberg", "Storgata 12B, 3111 Tønsberg"),
        ("hull i veien ved Nedre Bakkevei 7", "Nedre Bakkevei 7"),
        ("Kongens gate 4 er stengt", "Kongens gate 4"),
        ("veien er stengt i 2 dager", None),
        ("skolen åpner klokka 8", None),
    ],
)
def test_street_addresses_are_found(text: str, found: str | None) -> None:
    spans = [text[start:end] for start, end in NORWAY.street_addresses(text)]
    assert spans == ([found] if found else [])

"""What goes in comes out, and what cannot be kept is refused or dropped by rule."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.storage.rows import hydrator, text_in, time_in, to_kept

ANY_TEXT = st.text(st.characters())  # with lone surrogates, which hypothesis otherwise leaves out
ZONES = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds are naive


class Colour(StrEnum):
    """Any enumeration."""

    RED = "red"


@dataclass(frozen=True, slots=True)
class Row:
    """One of each kind of column."""

    text: str
    number: int
    flag: bool
    colour: Colour
    at: datetime
    day: date | None
    names: tuple[str, ...]
    extra: dict[str, Any]
    content: bytes


@given(MOMENTS, MOMENTS)
def test_times_sort_as_text_as_they_do_in_time(one: datetime, other: datetime) -> None:
    assert (time_in(one) < time_in(other)) == (one < other)
    assert datetime.fromisoformat(time_in(one)) == one


@given(ANY_TEXT)
def test_text_keeps_everything_but_nul_and_lone_surrogates(text: str) -> None:
    kept = text_in(text)
    assert kept == "".join(sign for sign in text if sign != "\0" and not 0xD800 <= ord(sign) <= 0xDFFF)
    assert kept.encode().decode() == kept
    assert text_in(kept) == kept


@given(
    st.builds(
        Row,
        text=st.text().map(text_in),
        number=st.integers(-(2**63), 2**63 - 1),
        flag=st.booleans(),
        colour=st.sampled_from(Colour),
        at=MOMENTS.map(lambda moment: moment.astimezone(UTC)),
        day=st.none() | st.dates(),
        names=st.lists(st.text()).map(tuple),
        extra=st.dictionaries(st.text(), st.integers() | st.text()),
        content=st.binary(),
    )
)
def test_a_row_comes_out_as_it_went_in(row: Row) -> None:
    columns = tuple(Row.__annotations__)
    kept = tuple(to_kept({column: getattr(row, column) for column in columns}).values())
    assert all(isinstance(value, str | int | bytes | type(None)) for value in kept)
    hydrate = hydrator(Row, columns)
    assert hydrate(kept) == row


@given(st.lists(ANY_TEXT), st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_text_within_lists_and_objects_can_be_kept_too(texts: list[str], extra: dict[str, str]) -> None:
    for value in (texts, tuple(texts), extra):
        kept = to_kept({"value": value})["value"]
        assert str(kept).encode()
        assert "\0" not in kept


def test_a_column_without_a_field_is_refused() -> None:
    with pytest.raises(TypeError, match="surprise"):
        hydrator(Row, ("text", "surprise"))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        time_in(datetime(2026, 3, 2))  # noqa: DTZ001 - the point

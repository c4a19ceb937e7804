"""Every table has a time after which it is emptied, or a reason why not; and every place knows every class."""

import pytest

from contactbot.handoff.content import Content
from contactbot.places import place
from contactbot.privacy.retention.classes import CLASSES, NOT_PERSONAL
from contactbot.storage.tables import metadata

COVERED = {table for data in CLASSES for table in data.tables}
NAMES = {data.name for data in CLASSES}


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_table_belongs_to_a_class_of_data_or_holds_nothing_of_a_person(table: str) -> None:
    assert (table in COVERED) != (table in NOT_PERSONAL), (
        f"{table}: name it in contactbot/privacy/retention/classes.py, in a class that empties it (and see that its"
        " unit does), or in NOT_PERSONAL with the reason; never in both"
    )


def test_only_tables_are_named() -> None:
    assert set(metadata.tables) >= COVERED | set(NOT_PERSONAL)


def test_no_class_is_named_twice() -> None:
    assert len(NAMES) == len(CLASSES)


def test_the_place_has_a_time_and_a_ground_for_every_class_and_for_no_other() -> None:
    known = place("no").retention
    assert set(known) == NAMES
    assert all(keep.basis for keep in known.values())
    assert all(keep.days is None or keep.days >= keep.least for keep in known.values())
    assert all(bool(keep.least) == bool(keep.least_source) for keep in known.values())


def test_what_goes_by_time_has_a_unit_and_what_does_not_has_none() -> None:
    known = place("no").retention
    assert {data.name for data in CLASSES if data.unit is None} == {n for n, keep in known.items() if keep.days is None}


def test_the_place_says_why_each_class_of_content_but_the_ordinary_never_travels_openly() -> None:
    assert set(place("no").never_open) == {content.value for content in Content} - {Content.ORDINARY.value}

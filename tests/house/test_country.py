"""What depends on the country stands in ``places/``; everything else asks the place."""

import re

from tests.house.source import PACKAGE, modules, place, texts

# Names of the country, its agencies and registers, its number plan and its calendar. Languages, the words residents use
# and the data of a demo municipality are not rules of a country.
RULES = re.compile(
    r"\b(Norway|Norge|Noreg|d-nummer|organisasjonsnummer|orgnr|folkeregister|"
    r"arkivverket|datatilsynet|forvaltningsloven|offentleglova|116\s?117|116\s?111|\+47|0047|grunnlovsdag\w*)\b",
    re.IGNORECASE,
)
EXEMPT = (
    PACKAGE / "places",
    PACKAGE / "demo",  # a made-up municipality of one country
    PACKAGE / "settings.py",  # its defaults are the first installation's, and each can be changed
)


def test_only_places_knows_a_country() -> None:
    found = [
        f"{place(file, line)}: {hit.group()}"
        for file in modules()
        if not any(file.is_relative_to(folder) for folder in EXEMPT)
        for line, text in texts(file)
        if (hit := RULES.search(text))
    ]
    assert found == []


def test_only_the_place_is_asked_which_country_it_is() -> None:
    """A comparison with a country's code is a rule that escaped."""
    found = [
        place(file, line)
        for file in modules()
        if not any(file.is_relative_to(folder) for folder in EXEMPT)
        for line, text in texts(file)
        if text == "NO"
    ]
    assert found == []

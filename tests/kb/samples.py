"""Entries that the tests of the knowledge base edit, and dice that draw others."""

from datetime import date

from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText

DAYS = EntryText(
    "nb", "Når hentes søppelet?", ("søppeltømming", "når kommer søppelbilen"), sms="Tirsdag.", chat="Tirsdag"
)
WASTE = Entry(
    "avfall-dager", 1, (DAYS, EntryText("nn", "Når blir bosset henta?", full="Tysdag")), topic="avfall",
    owner="Teknisk drift", review_by=date(2027, 3, 1), tags=("boss", "dunk"),
)  # fmt: skip
TAX = Entry("skatt", 1, (EntryText("nb", "Når får jeg igjen på skatten?", full="Spør staten."),), kind="referral")

# Text as people write it: any sign that can be read, with the signs that sheets and formulas care about often.
SIGNS = st.one_of(st.sampled_from("=+-@'\";,|\n æøåÆØÅ€😀"), st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]))
LINES = st.text(st.one_of(st.sampled_from("=+-@'\";,æøå "), SIGNS.filter(lambda sign: sign != "\n")), min_size=1)
WORDS = LINES.map(lambda line: " ".join(line.split())).filter(bool)
ANSWERS = st.text(SIGNS)


@st.composite
def entries(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Draw up to four entries with everything an editor can say."""
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True), min_size=1, max_size=4, unique=True))
    return tuple(draw(_entry(name)) for name in names)


@st.composite
def _entry(draw: st.DrawFn, name: str) -> Entry:
    languages = draw(st.lists(st.sampled_from(["nb", "nn", "en", "se"]), min_size=1, unique=True))
    days = st.none() | st.dates(date(1990, 1, 1), date(2200, 1, 1))
    return Entry(
        id=name,
        version=1,
        texts=tuple(draw(_text(language)) for language in languages),
        topic=draw(st.just("") | WORDS),
        owner=draw(st.just("") | WORDS),
        kind=draw(st.sampled_from(["answer", "referral"])),
        valid_from=draw(days),
        valid_to=draw(days),
        review_by=draw(days),
        source=draw(st.just("") | WORDS),
        tags=tuple(draw(st.lists(st.from_regex(r"[a-zæøå]{1,8}", fullmatch=True), max_size=3))),
    )


@st.composite
def _text(draw: st.DrawFn, language: str) -> EntryText:
    return EntryText(
        language=language,
        question=draw(WORDS),
        phrasings=tuple(draw(st.lists(WORDS, max_size=3))),
        sms=draw(ANSWERS),
        chat=draw(ANSWERS),
        full=draw(ANSWERS),
    )

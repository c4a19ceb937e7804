"""An entry as an editor's form holds it: every field a text, until it is read as an entry. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, cast, get_args

from contactbot.kb.entry import Entry, EntryText, Kind

LANGUAGES: Final = {"nb": "Bokmål", "nn": "Nynorsk", "en": "Engelsk", "se": "Nordsamisk"}
OFFERED: Final = ("nb", "nn", "en")
LENGTHS: Final = {"sms": "SMS", "chat": "Nettprat", "full": "E-post"}
OF_A_LANGUAGE: Final = ("question", "phrasings", "sms", "chat", "full")
DAYS: Final = {"valid_from": "Gyldig fra", "valid_to": "Gyldig til", "review_by": "Revideres innen"}
LABELS: Final = {
    "id": "Navn i adressen",
    "question": "Spørsmål",
    "phrasings": "Andre måter å spørre på",
    "topic": "Tema",
    "owner": "Eier",
    "kind": "Type",
    "source": "Kilde",
    "tags": "Stikkord",
    **LENGTHS,
    **DAYS,
}
LONGEST_LINE: Final = 500  # characters of a question, phrasing or other single line
LONGEST_ANSWER: Final = 20_000  # characters
MOST_PHRASINGS: Final = 200
LONGEST_ID: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class EntryForm:
    """What stands in the form. ``seen`` is the version it was filled from, 0 for an entry that is new."""

    values: Mapping[str, str]
    seen: int

    def get(self, name: str, language: str = "") -> str:
        """Return a field's text, "" when it is empty."""
        return self.values.get(f"{language}.{name}" if language else name, "")

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages shown: those always offered, and any other that something is written in."""
        used = {name.partition(".")[0] for name, value in self.values.items() if "." in name and value.strip()}
        return (*OFFERED, *sorted(used & (set(LANGUAGES) - set(OFFERED))), *sorted(used - set(LANGUAGES)))

    def written(self, language: str) -> bool:
        """Say whether anything is written in a language."""
        return any(self.get(name, language).strip() for name in OF_A_LANGUAGE)

    def text(self, language: str) -> EntryText:
        """Return one language as it stands, even where something is missing."""
        lines = (line.strip() for line in self.get("phrasings", language).splitlines())
        answers = {length: self.get(length, language).strip() for length in LENGTHS}
        phrasings = tuple(dict.fromkeys(line for line in lines if line))
        return EntryText(language, self.get("question", language).strip(), phrasings, **answers)

    def entry(self) -> Entry | None:
        """Return the entry when nothing is wrong with it."""
        return None if self.problems() else self._entry()

    def problems(self) -> dict[str, str]:
        """Return what is wrong, by field, in the editor's words."""
        found = self._wrong_id() | self._wrong_days()
        written = [language for language in self.languages if self.written(language)]
        if not written:
            found["nb.question"] = "Skriv spørsmålet på minst ett språk."
        for language in written:
            found |= self._wrong_text(language)
        if self.get("kind") not in ("", *get_args(Kind)):
            found["kind"] = "Velg svar eller henvisning."
        for name in ("topic", "owner", "source", "tags"):
            if len(self.get(name)) > LONGEST_LINE:
                found[name] = f"Høyst {LONGEST_LINE} tegn."
        return found

    def _entry(self) -> Entry:
        texts = tuple(self.text(language) for language in self.languages if self.written(language))
        days = {name: date.fromisoformat(value) if (value := self.get(name).strip()) else None for name in DAYS}
        return Entry(
            id=self.get("id").strip(), version=max(1, self.seen), texts=texts, topic=self.get("topic").strip(),
            owner=self.get("owner").strip(), kind=cast("Kind", self.get("kind") or "answer"),
            source=self.get("source").strip(), tags=_tags(self.get("tags")), **days,
        )  # fmt: skip

    def _wrong_id(self) -> dict[str, str]:
        name = self.get("id").strip()
        if not name:
            return {"id": "Gi svaret et kort navn, for eksempel «avfall-hentedager»."}
        if self.seen:
            return {}
        plain = name.replace("-", "").replace("_", "")
        if not plain.isalnum() or not plain.isascii() or name != name.lower() or len(name) > LONGEST_ID:
            return {"id": f"Bruk små bokstaver a–z, tall og bindestrek, høyst {LONGEST_ID} tegn."}
        return {}

    def _wrong_days(self) -> dict[str, str]:
        found = {}
        for name in DAYS:
            try:
                date.fromisoformat(self.get(name).strip() or "2000-01-01")
            except ValueError:
                found[name] = "Skriv datoen som ÅÅÅÅ-MM-DD."
        first, last = self.get("valid_from").strip(), self.get("valid_to").strip()
        if not found and first and last and last < first:
            found["valid_to"] = "Siste dag er før første dag."
        return found

    def _wrong_text(self, language: str) -> dict[str, str]:
        found, text = {}, self.text(language)
        if not text.question:
            found["question"] = "Skriv spørsmålet på dette språket også."
        if len(text.question) > LONGEST_LINE:
            found["question"] = f"Høyst {LONGEST_LINE} tegn."
        if len(text.phrasings) > MOST_PHRASINGS or any(len(line) > LONGEST_LINE for line in text.phrasings):
            found["phrasings"] = f"Høyst {MOST_PHRASINGS} linjer, hver på høyst {LONGEST_LINE} tegn."
        if not text.answer("full"):
            found["chat"] = "Skriv svaret i minst én lengde."
        for length in LENGTHS:
            if len(getattr(text, length)) > LONGEST_ANSWER:
                found[length] = f"Høyst {LONGEST_ANSWER} tegn."
        return {f"{language}.{name}": problem for name, problem in found.items()}


def filled(entry: Entry, seen: int) -> EntryForm:
    """Return the form that shows an entry."""
    values = {name: getattr(entry, name) for name in ("id", "topic", "owner", "kind", "source")}
    values |= {name: day.isoformat() for name in DAYS if (day := getattr(entry, name)) is not None}
    values["tags"] = ", ".join(entry.tags)
    for text in entry.texts:
        values |= {f"{text.language}.{name}": getattr(text, name) for name in ("question", *LENGTHS)}
        values[f"{text.language}.phrasings"] = "\n".join(text.phrasings)
    return EntryForm(values, seen)


def kept(form: Mapping[str, str]) -> EntryForm:
    """Return what a browser sent, with line ends as we keep them."""
    fields = {"id", "topic", "owner", "kind", "source", "tags", *DAYS}
    values = {
        name: value.replace("\r\n", "\n")
        for name, value in form.items()
        if name in fields or name.partition(".")[2] in OF_A_LANGUAGE
    }
    seen = form.get("seen", "")
    return EntryForm(values, int(seen) if seen.isdecimal() and len(seen) < 10 else 0)  # noqa: PLR2004 - a version


def after(form: EntryForm, entry_id: str) -> EntryForm:
    """Return the form of an entry that has its id already: it cannot be renamed."""
    return replace(form, values={**form.values, "id": entry_id})


def label(field: str) -> str:
    """Return what the editor calls a field, with its language where it has one."""
    language, _, name = field.rpartition(".")
    words = LABELS.get(name, name)
    return f"{words} ({LANGUAGES.get(language, language).lower()})" if language else words


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))

"""Small talk is met only when a message holds nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation.smalltalk import SmallTalk, smalltalk


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, SmallTalk.GREETING)
            for text in ("hei", "Heiii!", "hei, jeg lurer på noe", "god morgen", "Hallo der", "hi there", "bures")
        ),
        *((text, SmallTalk.GREETING) for text in ("hvordan går det?", "korleis har du det i dag", "how are you?")),
        *((text, SmallTalk.THANKS) for text in ("takk", "Tusen takk for hjelpen!", "thank you so much", "ok")),
        *((text, SmallTalk.THANKS) for text in ("ok takk, ha en fin dag", "perfekt, takk for raskt svar", "giitu")),
        *((text, SmallTalk.BYE) for text in ("ha det bra", "hadet", "god helg!", "bye", "vi snakkes", "see you later")),
        *(
            (text, SmallTalk.INSULT)
            for text in (
                "idiot",
                "din jævla idiot",
                "du er ubrukelig",
                "fuck you",
                "hald kjeft",
                "dokk e nån idiota",
                "faen ta dere",
            )
        ),
        *((text, SmallTalk.COMPLIMENT) for text in ("bra jobba", "du er flink", "kjempebra", "good bot", "fint")),
        *((text, SmallTalk.BOT_QUESTION) for text in ("er du en robot?", "are you human", "snakker jeg med en bot")),
        *((text, SmallTalk.BOT_QUESTION) for text in ("hvem er du", "kva kan du hjelpe med?", "Er dette et menneske?")),
        *((text, SmallTalk.OPENER) for text in ("Jeg har et spørsmål", "jeg lurer på noe", "I have a question")),
        *((text, SmallTalk.OPENER) for text in ("Kan dere hjelpe meg?", "eg lurer på noko", "Jeg trenger hjelp")),
        *((text, SmallTalk.OPENER) for text in ("jeg har noen spørsmål", "kan jeg spørre om noe?", "Can you help me?")),
        *((text, SmallTalk.OPENER) for text in ("jeg lurer på en ting", "kan du hjelpe meg med noe", "Et spørsmål")),
        *((text, SmallTalk.MISSED) for text in ("det stemmer ikke", "ok, men det gjelder ikke meg", "that's wrong")),
        *((text, SmallTalk.MISSED) for text in ("du tar feil", "eg skjønar ikkje svaret", "I don't understand")),
        *((text, SmallTalk.MISSED) for text in ("feil svar", "det var ikke det jeg lurte på", "wrong answer")),
        *((text, SmallTalk.MISSED) for text in ("Du svarte ikke på spørsmålet mitt", "that is not what I asked")),
        *(
            (text, SmallTalk.MISSED)
            for text in ("det hjalp ikke", "Det svarte ikkje på spørsmålet", "det hjelper ikke")
        ),
        *((text, SmallTalk.EMOJI) for text in ("😀", "👍👍", ":)", "❤️", ";-)")),
    ],
)
def test_small_talk_has_its_kind(text: str, kind: SmallTalk) -> None:
    assert smalltalk(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "hei, når åpner biblioteket",
        "takk for svar, men når åpner det",
        "jeg har et spørsmål om faktura",
        "kan dere hjelpe meg med søknaden",
        "jeg trenger hjelp til mor",
        "jeg trenger hjelp hjemme",
        "jeg lurer på noe om barnehage",
        "feil på gatelyset",
        "det var ikke hentet søppel i dag",
        "god morgen, er skolen stengt i dag?",
        "robotgressklipper på kirkegården",
        "søpla er ikke tømt, idioter",
        "kan noen hjelpe meg",
        "hva koster det",
        "hei på deg, jeg vil klage",
        "fakturaen stemmer ikke",
        "jeg forstår ikke fakturaen",
        "det er feil på gatelyset",
        "gjelder det meg",
        "men når åpner det",
        "søppel",
        "ja",
        "nei",
        "?",
        "...",
        "",
        "42",
        "takk " * 100,
    ],
)
def test_anything_else_is_not_small_talk(text: str) -> None:
    assert smalltalk(text) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    smalltalk(text)

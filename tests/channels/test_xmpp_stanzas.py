"""What stanzas say, by what real servers and clients sent (``payloads/xmpp``) and by what nobody should send."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contactbot.channels.backoff import Backoff
from contactbot.channels.xmpp import XmppSettings
from contactbot.channels.xmpp.archive import page
from contactbot.channels.xmpp.identity import outbox_of, stanza_id
from contactbot.channels.xmpp.reading import Arrived, Bounced, Said, Typing, read
from contactbot.channels.xmpp.writing import answer, receipt, refusal, xml_text
from contactbot.messages import Address, Outbound

PAYLOADS = Path(__file__).parent / "payloads" / "xmpp"
OURS = "hei@localhost"
BODY = "{jabber:client}body"
SECRET = b"a test installation's signing key"
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def payload(name: str) -> Element:
    return fromstring((PAYLOADS / f"{name}.xml").read_text("utf-8"))  # noqa: S314 - our own file


def said(name: str) -> Said:
    reading = read(payload(name), OURS)
    assert isinstance(reading, Said)
    return reading


def outbound(text: str = "Biblioteket åpner klokka 9.") -> Outbound:
    return Outbound(
        id=7, account=OURS, recipient=Address("xmpp", "kari@localhost"), text=text, created_at=AT, thread=1, position=2
    )


# Reading


def test_a_message_of_a_client_of_today_is_read_whole() -> None:
    assert said("live") == Said(
        sender="kari@localhost",
        reply_to="kari@localhost/phone",
        kind="chat",
        key="k-1",
        text="Når åpner biblioteket på Ærøya?",
        raw=tostring(payload("live"), encoding="utf-8"),
        identity="kari@localhost#k-1",
        archive_id="RsLPx3XZ5uF_PXtf8oLiPw9a",
        wants_receipt=True,
    )


def test_the_live_copy_and_the_archived_copy_are_the_same_message() -> None:
    [entry] = page([payload("archive-result-1")], payload("archive-fin"), OURS).entries
    archived = read(entry.message, OURS, entry.id, entry.at)
    assert isinstance(archived, Said)
    assert replace(archived, raw=b"", sent_at=None) == replace(said("live"), raw=b"")
    assert archived.sent_at == datetime(2026, 11, 22, 18, 49, 19, tzinfo=UTC)


def test_a_client_that_gives_no_stable_id_is_known_by_our_archives_id() -> None:
    assert said("go-sendxmpp").identity == said("go-sendxmpp").archive_id == "sJLokKWNMYWJd3JjV5Fqej6S"
    assert said("no-ids").identity == "wBYYbrEX4eNVw_J7ir5ax02Q"
    assert not said("no-ids").wants_receipt


def test_a_message_the_server_stored_says_when_it_was_sent() -> None:
    assert said("offline").sent_at == datetime(2026, 11, 22, 18, 49, 20, tzinfo=UTC)


def test_a_delay_or_an_archive_id_by_anybody_else_is_not_believed() -> None:
    message = payload("offline")
    for child in list(message):
        child.attrib.pop("from", None)
    SubElement(message, "{urn:xmpp:sid:0}stanza-id", {"by": "kari@localhost", "id": "forged"})
    SubElement(message, "{urn:xmpp:sid:0}stanza-id", {"by": f"{OURS}/phone", "id": "forged"})
    SubElement(message, "{urn:xmpp:delay}delay", {"from": "example.org", "stamp": "2001-01-01T00:00:00Z"})
    reading = read(message, OURS)
    assert isinstance(reading, Said)
    assert reading.sent_at is None
    assert not reading.archive_id


def test_the_quotation_of_a_reply_is_folded_and_what_it_replies_to_is_kept() -> None:
    reading = said("reply")
    assert reading.text == "Jeg mener søppel på Ærøya"
    assert [folded.text for folded in reading.folded] == ["> Hva gjelder det?\n> 1. Avfall\n"]
    assert reading.refs == ("cb-7-0123456789abcdef",)


def test_a_reply_that_is_all_quotation_keeps_its_words() -> None:
    message = payload("reply")
    part = message.find("{urn:xmpp:fallback:0}fallback/{urn:xmpp:fallback:0}body")
    assert part is not None
    part.attrib.clear()
    reading = read(message, OURS)
    assert isinstance(reading, Said)
    assert "Avfall" in reading.text
    assert not reading.folded


def test_a_correction_is_a_message_that_mentions_the_one_it_corrects() -> None:
    assert said("correction").refs == ("c-1",)
    assert said("correction").corrects == "c-1"
    assert said("correction").text == "Når åpner biblioteket?"


def test_words_without_a_language_of_their_own_are_preferred_and_nicknames_and_subjects_are_kept() -> None:
    assert said("two-languages").text == "Kvar er biblioteket?"
    assert said("nick").nick == "Kari Nordmann"
    assert said("no-ids").subject == "Vei"


def test_an_encrypted_message_is_unreadable_and_its_stand_in_is_not_taken_for_the_residents_words() -> None:
    reading = said("omemo")
    assert reading.unreadable == "encrypted with OMEMO"
    assert not reading.text
    assert read(payload("omemo-keys-only"), OURS) is None


def test_receipts_markers_bounces_and_typing_are_told_apart() -> None:
    assert read(payload("receipt"), OURS) == Arrived("kari@localhost", "cb-8-x")
    assert read(payload("displayed-marker"), OURS) == Arrived("kari@localhost", "cb-7-0123456789abcdef")
    assert read(payload("bounce-no-such-account"), OURS) == Bounced("nobody@localhost", "cb-9-x", "service-unavailable")
    assert read(payload("composing"), OURS) == Typing("kari@localhost")


@pytest.mark.parametrize("kind", ["groupchat", "headline", "nonsense"])
def test_group_chats_and_headlines_are_not_read(kind: str) -> None:
    message = payload("live")
    message.set("type", kind)
    assert read(message, OURS) is None
    assert read(payload("headline"), OURS) is None


def test_what_we_sent_ourselves_is_not_read() -> None:
    message = payload("live")
    message.set("from", f"{OURS}/another-client")
    assert read(message, OURS) is None
    sent = page([payload("archive-result-2")], payload("archive-fin"), OURS).entries[0]
    assert read(sent.message, OURS, sent.id, sent.at) is None


def test_a_message_by_a_server_is_known_to_be_automatic() -> None:
    message = payload("live")
    message.set("from", "localhost")
    reading = read(message, OURS)
    assert isinstance(reading, Said)
    assert reading.automatic


def test_ids_of_any_length_give_an_identity_of_a_length_a_store_takes() -> None:
    message = payload("live")
    for child in message:
        if child.get("id"):
            child.set("id", "x" * 100_000)
    reading = read(message, OURS)
    assert isinstance(reading, Said)
    assert len(reading.identity) < 300


def test_a_stanza_nested_too_deep_to_be_written_keeps_its_words() -> None:
    message = inner = payload("live")
    for _ in range(5_000):
        inner = SubElement(inner, "{urn:example}x")
    reading = read(message, OURS)
    assert isinstance(reading, Said)
    assert "Ærøya" in reading.raw.decode()


_names = st.sampled_from(
    [
        BODY,
        "{jabber:client}error",
        "{urn:xmpp:sid:0}origin-id",
        "{urn:xmpp:sid:0}stanza-id",
        "{urn:xmpp:delay}delay",
        "{urn:xmpp:fallback:0}fallback",
        "{urn:xmpp:fallback:0}body",
        "{urn:xmpp:reply:0}reply",
        "{urn:xmpp:receipts}received",
        "{eu.siacs.conversations.axolotl}encrypted",
        "{urn:ietf:params:xml:ns:xmpp-stanzas}text",
    ]
)
_values = st.one_of(
    st.text(max_size=20),
    st.sampled_from([OURS, "kari@localhost/x", "urn:xmpp:reply:0", "error", "chat", "-1", "9" * 30]),
)
_attributes = st.dictionaries(
    st.sampled_from(["id", "by", "from", "type", "for", "start", "end", "stamp"]), _values, max_size=4
)


def _element(tag: str, attributes: dict[str, str], text: str, children: list[Element]) -> Element:
    element = Element(tag, attributes)
    element.text = text
    element.extend(children)
    return element


_elements = st.recursive(
    st.builds(_element, _names, _attributes, _values, st.just([])),
    lambda inner: st.builds(_element, _names, _attributes, _values, st.lists(inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.builds(_element, st.just("{jabber:client}message"), _attributes, st.just(""), st.lists(_elements, max_size=4))
)
def test_no_stanza_at_all_makes_reading_fail(message: Element) -> None:
    reading = read(message, OURS)
    assert reading is None or reading.sender


# The archive


def test_a_page_knows_its_order_its_end_and_where_the_next_begins() -> None:
    found = page([payload("archive-result-1"), payload("archive-result-2")], payload("archive-fin"), OURS)
    assert [entry.id for entry in found.entries] == ["RsLPx3XZ5uF_PXtf8oLiPw9a", "23ndjF_8hnoJ4-aAzkqPyB5a"]
    assert found.last == "23ndjF_8hnoJ4-aAzkqPyB5a"
    assert not found.complete


def test_results_that_do_not_come_from_our_own_archive_are_left_out() -> None:
    forged = payload("archive-result-1")
    forged.set("from", "mallory@example.org")
    assert page([forged], payload("archive-fin"), OURS).entries == ()


# Writing


def test_an_answer_carries_a_stable_id_and_asks_for_a_receipt_and_for_being_archived() -> None:
    message = answer(replace(outbound(), choices=("Avfall", "Vann")), "cb-7-x")
    assert message.get("to") == "kari@localhost"
    assert message.get("type") == "chat"
    assert message.findtext(BODY) == "Biblioteket åpner klokka 9.\n\n1. Avfall\n2. Vann"
    buttons = message.findall("{urn:xmpp:tmp:quick-response}response")
    assert [(button.get("value"), button.get("label")) for button in buttons] == [("1", "Avfall"), ("2", "Vann")]
    tags = {child.tag: child.get("id") for child in message}
    assert tags["{urn:xmpp:sid:0}origin-id"] == message.get("id") == "cb-7-x"
    assert {"{urn:xmpp:receipts}request", "{urn:xmpp:hints}store", "{urn:xmpp:chat-markers:0}markable"} <= set(tags)


@given(st.text())
def test_whatever_is_written_is_xml_a_server_can_read(text: str) -> None:
    written = tostring(answer(outbound(text), "cb-7-x"), encoding="utf-8")
    body = fromstring(written).findtext(BODY)  # noqa: S314 - our own words
    assert (body or "").replace("\r\n", "\n").replace("\r", "\n") == xml_text(text).replace("\r\n", "\n").replace(
        "\r", "\n"
    )


def test_a_receipt_goes_to_the_client_that_asked_for_it() -> None:
    message = receipt(said("live"))
    assert message.get("to") == "kari@localhost/phone"
    assert [child.get("id") for child in message if child.tag == "{urn:xmpp:receipts}received"] == ["k-1"]


def test_a_refusal_names_the_message_and_is_an_error_no_channel_answers() -> None:
    message = refusal(said("live"), "wait", "resource-constraint", "Try again later.")
    assert (message.get("type"), message.get("id"), message.get("to")) == ("error", "k-1", "kari@localhost/phone")
    message.set("from", "hei@localhost")
    assert read(message, "kari@localhost") == Bounced(OURS, "k-1", "resource-constraint")
    assert message[0].get("type") == "wait"


# Identities


@given(st.integers(1, 10**18), st.text(min_size=1, max_size=30))
def test_the_identity_of_an_outbox_row_is_the_same_every_time_and_leads_back_to_it(outbox: int, resident: str) -> None:
    identity = stanza_id(outbox, OURS, resident, SECRET)
    assert identity == stanza_id(outbox, OURS, resident, SECRET)
    assert outbox_of(identity, OURS, resident, SECRET) == outbox


@pytest.mark.parametrize("identity", ["", "cb-7", "cb-7-0123456789abcdef", "cb-0-0123456789abcdef", "cb-7-x\n", "7"])
def test_an_identity_we_did_not_make_leads_nowhere(identity: str) -> None:
    assert outbox_of(identity, OURS, "kari@localhost", SECRET) is None


def test_an_identity_is_worth_nothing_to_anybody_but_its_recipient() -> None:
    identity = stanza_id(7, OURS, "kari@localhost", SECRET)
    assert outbox_of(identity, OURS, "ola@localhost", SECRET) is None
    assert outbox_of(identity, "other@localhost", "kari@localhost", SECRET) is None
    assert outbox_of(identity, OURS, "kari@localhost", b"another key") is None


# Waiting


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(1, 10, draw=lambda _least, most: most)
    assert [backoff.pause() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.pause() == 1


@given(st.integers(0, 2000))
def test_a_wait_is_at_least_half_of_what_it_could_be_and_never_longer_than_the_longest(failures: int) -> None:
    backoff = Backoff(1, 300)
    for _ in range(failures):
        backoff.pause()
    assert min(300, 2 ** min(failures, 9)) / 2 <= backoff.pause() <= 300


def test_where_coming_back_would_do_harm_the_first_wait_is_long_too() -> None:
    assert 150 <= Backoff(1, 300).long_pause() <= 300


# Settings


@pytest.mark.parametrize("jid", ["", "fjordvik.no", "hei@fjordvik.no/skjerm", "hei@@no", "@fjordvik.no"])
def test_an_account_that_is_no_bare_jid_is_refused_by_name(jid: str) -> None:
    with pytest.raises(ValidationError, match="jid"):
        XmppSettings.model_validate({"accounts": {"chat": {"jid": jid, "password": "x"}}})


def test_an_account_named_twice_is_refused() -> None:
    account = {"jid": "hei@fjordvik.no", "password": "x"}
    with pytest.raises(ValidationError, match=r"hei@fjordvik\.no"):
        XmppSettings.model_validate({"accounts": {"one": account, "two": account}})


def test_an_accounts_jid_is_normalised() -> None:
    settings = XmppSettings.model_validate({"accounts": {"chat": {"jid": "Hei@Fjordvik.NO", "password": "x"}}})
    assert settings.accounts["chat"].jid == "hei@fjordvik.no"

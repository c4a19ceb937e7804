"""Whether the account at Twilio is set up to reach us, as ``contactbot check`` tells it. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urldefrag

from contactbot.channels.base import Finding

ACCOUNT_SID: Final = re.compile(r"AC[0-9a-fA-F]{32}")
AUTH_TOKEN: Final = re.compile(r"[0-9a-fA-F]{32}")
RETRIES: Final = "#rc=5&rp=all"  # Twilio's connection overrides: five more tries, also when we answer 503


def misshapen(account_sid: str, auth_token: str) -> Iterator[Finding]:
    """Find credentials that cannot be right."""
    if not ACCOUNT_SID.fullmatch(account_sid):
        yield Finding(
            "error",
            "channels.sms.twilio.account_sid is not AC and 32 hexadecimal digits: copy it from Twilio's console.",
        )
    if not AUTH_TOKEN.fullmatch(auth_token):
        yield Finding(
            "error",
            "channels.sms.twilio.auth_token is not 32 hexadecimal digits: copy the account's auth token"
            " (an API key cannot check the signatures of webhooks).",
        )


def wired(numbers: Sequence[str], webhooks: Mapping[str, tuple[str, str]], text_url: str) -> Iterator[Finding]:
    """Compare our numbers with where Twilio sends their texts; ``webhooks`` gives each number's address and method."""
    for number in numbers:
        if not number.startswith("+"):
            continue  # short codes and names are not among an account's phone numbers
        if number not in webhooks:
            yield Finding(
                "error", f"{number} is not a number of the account at Twilio: buy it, or correct the setting."
            )
            continue
        yield _webhook(number, *webhooks[number], text_url)


def _webhook(number: str, address: str, method: str, text_url: str) -> Finding:
    plain, overrides = urldefrag(address)
    if plain != text_url:
        return Finding(
            "error",
            f"Twilio sends texts to {number} to {plain or 'nowhere'}, and signs that address: set the number's"
            f" webhook to {text_url}{RETRIES}, or correct public_url.",
        )
    if method.upper() != "POST":
        return Finding("error", f"Twilio calls the webhook of {number} by {method}: set it to HTTP POST.")
    if "rp=" not in overrides:
        return Finding(
            "warning",
            f"Twilio gives up texts to {number} after one failure: add {RETRIES} to the webhook's address (what"
            " was missed is still fetched later).",
        )
    return Finding("ok", f"Texts to {number} come to {text_url}.")

"""What can be set for text messages."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from contactbot.channels.base import Recipient


class NumberSettings(BaseModel):
    """One of our own numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = Field(
        min_length=3, description="The number in international form (`+4759440000`), or a short code (`2026`)."
    )
    municipality: str = Field("", description="Whose number it is, by key. Empty: the only configured municipality.")
    kind: Literal["service", "relay", "hearing"] = Field(
        "service", description="What it is for: `service` (questions), `relay` (staff), `hearing` (campaigns)."
    )


class TwilioSettings(BaseModel):
    """The account at Twilio."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: str = Field(description="Account SID from Twilio's console: `AC` and 32 hexadecimal digits.")
    auth_token: SecretStr = Field(
        description="Auth token of the account: 32 hexadecimal digits. It signs webhooks and opens the API."
    )
    api_url: str = Field(
        "https://api.twilio.com",
        pattern=r"^https?://[^/]+/?$",
        description="Base address of the API. Another one is for a test gateway.",
    )
    timeout: float = Field(
        15.0, gt=0, le=18, description="Seconds to wait for one answer of the API; sending may need three."
    )

    def recipient(self) -> Recipient:
        """Return who handles the texts; a test gateway is not Twilio."""
        host = urlsplit(self.api_url).hostname or ""
        is_twilio = host.endswith(".twilio.com")
        return Recipient("sms", host, "Twilio" if is_twilio else "", "US" if is_twilio else "")


class PlainHttpSettings(BaseModel):
    """A gateway that speaks plain JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        pattern=r"^https?://[^/]+", description="Address that texts are posted to, and asked about with `?reference=`."
    )
    token: SecretStr = Field(min_length=16, description="What we show the gateway, as a bearer token.")
    secret: SecretStr = Field(
        min_length=24, description="What the gateway signs its calls to us with (Standard Webhooks, HMAC-SHA256)."
    )
    timeout: float = Field(15.0, gt=0, le=18, description="Seconds to wait for one answer of the gateway.")

    def recipient(self) -> Recipient:
        """Return who handles the texts."""
        return Recipient("sms", urlsplit(self.url).hostname or "")


class SmsSettings(BaseModel):
    """Text messages, by the one provider that has a table here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    twilio: TwilioSettings | None = Field(None, description="The account at Twilio, when that is the provider.")
    plain_http: PlainHttpSettings | None = Field(None, description="The plain gateway, when that is the provider.")
    numbers: tuple[NumberSettings, ...] = Field(min_length=1, description="Our own numbers.")
    max_segments: int = Field(
        10,
        ge=1,
        le=10,
        description="Parts (153 characters of the GSM alphabet, else 67) that one answer may cost; more is cut.",
    )
    segment_price: float = Field(
        0.0,
        ge=0,
        description="Price of one part in the municipality's currency, for staff to see before they send; 0: none.",
    )
    catch_up_hours: int = Field(
        72, ge=0, le=720, description="Hours back to look for texts missed while the service was down; 0 never looks."
    )
    strangers_per_hour: int | None = Field(
        None,
        ge=1,
        description=(
            "Senders whom nobody has ever answered that are taken up in an hour, per number; what more of them write "
            "is kept unanswered, and one case tells staff. Default: no bound."
        ),
    )

    @model_validator(mode="after")
    def _one_provider(self) -> Self:
        if len(self._tables()) != 1:
            raise ValueError("exactly one provider is needed: give either the table twilio or the table plain_http")
        return self

    @property
    def provider(self) -> TwilioSettings | PlainHttpSettings:
        """Whichever provider has its table."""
        return self._tables()[0]

    def _tables(self) -> list[TwilioSettings | PlainHttpSettings]:
        return [table for table in (self.twilio, self.plain_http) if table is not None]

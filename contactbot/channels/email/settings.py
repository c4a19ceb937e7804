"""What an operator says about mail."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, StringConstraints

from contactbot.channels.email import spam

MailAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}$")
]


class OAuth(BaseModel):
    """An application that signs in by itself, where passwords are not taken (OAuth 2.0 client credentials)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_url: HttpUrl = Field(
        description=("The token endpoint; at Microsoft 365 https://login.microsoftonline.com/TENANT/oauth2/v2.0/token.")
    )
    client_id: str = Field(description="The application's identifier.")
    client_secret: SecretStr = Field(description="The application's secret.")
    scope: str = Field(
        default="https://outlook.office365.com/.default",
        description="What the token is for. Default: reading and sending mail at Microsoft 365.",
    )


class Mailbox(BaseModel):
    """A mailbox elsewhere that mail is fetched from by IMAP; nothing in it is changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(description="The mail server's name, such as outlook.office365.com.")
    port: int = Field(default=993, ge=1, le=65535, description="The mail server's TCP port.")
    tls: Literal["none", "starttls", "tls"] = Field(
        default="tls", description="Encryption: none, starttls (verified) or tls (from the first byte, verified)."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file with the authority of the server's certificate. Default: the system's."
    )
    user: str = Field(default="", description="The user to sign in as. Default: the account's address.")
    password: SecretStr = Field(default=SecretStr(""), description="The user's password, where there is no oauth.")
    oauth: OAuth | None = Field(default=None, description="The application to sign in as, in place of a password.")
    folder: str = Field(default="INBOX", description="The folder that is read, as the server writes its name in ASCII.")
    begin: Literal["now", "oldest"] = Field(
        default="now",
        description="Where the very first start begins: now (mail that comes from then on) or oldest (all there is).",
    )
    poll: float = Field(
        default=60.0, gt=0, description="Time between looks where the server cannot tell of new mail, in seconds."
    )


class MailAccount(BaseModel):
    """One mailbox that residents write to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: MailAddress = Field(description="The address residents write to, such as post@kommune.example.")
    municipality: str = Field(
        default="", description="Whose mailbox it is, by key. Empty: the only configured municipality."
    )
    name: str = Field(
        default="", description="The name shown beside the address. Default: the municipality's own name."
    )
    kind: Literal["service", "relay", "hearing"] = Field(
        default="service", description="What the address is for: service (questions), relay or hearing."
    )
    mailbox: Mailbox | None = Field(
        default=None, description="Where its mail is fetched from, where no relay brings it. Default: nowhere."
    )
    require_tls: bool = Field(
        default=False,
        description=(
            "Hand this mailbox's answers to the relay over verified TLS only, whatever relay.tls says; where it has "
            "none they wait, and are given up at last."
        ),
    )


class Listen(BaseModel):
    """Where mail comes in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Literal["smtp", "lmtp"] = Field(
        default="smtp", description="What the relay speaks to us: smtp, or lmtp as to a mailbox server."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on. Keep it local, behind a mail relay.")
    port: int = Field(default=10025, ge=0, le=65535, description="The TCP port to listen on; 0 lets the system choose.")
    certificate: Path | None = Field(
        default=None, description="PEM file with our certificate and its chain; STARTTLS is offered where it is set."
    )
    key: Path | None = Field(default=None, description="PEM file with the certificate's private key.")
    require_tls: bool = Field(default=False, description="Refuse mail before STARTTLS.")
    max_size: int = Field(
        default=35_000_000, ge=10_000, description="The largest mail taken, in bytes; larger ones get SMTP 552."
    )
    max_connections: int = Field(
        default=100, ge=1, description="Connections at one time; further ones are told to come back (SMTP 421)."
    )
    max_large: int = Field(
        default=4,
        ge=1,
        description="Mails over 1 MB taken at one time, counted; further ones are told to come back (SMTP 452).",
    )
    timeout: float = Field(default=300.0, gt=0, description="Silence after which a connection is closed, in seconds.")


class Relay(BaseModel):
    """Where mail goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="The relay's name or address.")
    port: int = Field(default=25, ge=1, le=65535, description="The relay's TCP port.")
    tls: Literal["none", "opportunistic", "starttls", "tls"] = Field(
        default="starttls",
        description=(
            "Encryption to the relay: none, opportunistic (where offered, unverified), starttls (required, verified) "
            "or tls (from the first byte, verified)."
        ),
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file with the authority of the relay's certificate. Default: the system's."
    )
    user: str = Field(default="", description="The user to sign in as; empty for none.")
    password: SecretStr = Field(default=SecretStr(""), description="The user's password.")
    oauth: OAuth | None = Field(
        default=None, description="The application to sign in as for the user, in place of a password."
    )
    hello: str = Field(default="", description="The name we give in EHLO. Default: this machine's name.")


class Dkim(BaseModel):
    """Our own signature (RFC 6376), where the relay puts none on our mail."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    selector: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$",
        description="The name of the key: its public half stands in DNS under SELECTOR._domainkey.DOMAIN.",
    )
    key: Path = Field(description="PEM file with the private key, RSA or Ed25519, without a password.")


class EmailSettings(BaseModel):
    """The section ``[channels.email]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: list[MailAccount] = Field(min_length=1, description="The mailboxes, at least one.")
    listen: Listen = Field(default_factory=Listen, description="Where mail comes in.")
    relay: Relay = Field(default_factory=Relay, description="Where mail goes out.")
    dkim: Dkim | None = Field(
        default=None, description="How our mail is signed, for the domain of each account. Default: the relay signs."
    )
    plus_addresses: bool = Field(
        default=True,
        description=(
            "Whether answers may come to post+t7.abc@..., which names the thread even where a relay rewrites "
            "identifiers."
        ),
    )
    delimiter: Literal["+", "-", "="] = Field(
        default="+", description="The character between mailbox and token: the relay's recipient_delimiter."
    )
    authserv_ids: list[str] = Field(
        default_factory=list,
        description=(
            "The names under which our own relay writes Authentication-Results; an empty one for a relay that leaves "
            "its name out, as Exchange Online does. Default: none, so that no sender is proven."
        ),
    )
    unproven: Literal["answer", "people"] = Field(
        default="answer",
        description=(
            "What becomes of a mail without such a result, so that nothing is known of its sender: answer, or people "
            "(a ticket, and nothing is sent)."
        ),
    )
    spam_fields: list[spam.Field] = Field(
        default_factory=lambda: list(spam.FIELDS),
        description="The header fields whose verdict of spam is honoured: a ticket, and nothing is sent. Default: all.",
    )
    automatic_per_hour: int = Field(
        default=3,
        ge=1,
        description=(
            "Mails of the bot to one address within an hour, counted; what comes after them goes to people unanswered."
        ),
    )
    strangers_per_hour: int = Field(
        default=1000,
        ge=1,
        description=(
            "Senders whom nobody has ever answered that are taken up in an hour, per mailbox; what more of them write "
            "is kept unanswered, and one case tells staff. Mail marked as spam is counted by itself."
        ),
    )
    strangers_per_server: int = Field(
        default=600,
        ge=1,
        description=(
            "The same, of one mail domain; many residents share the large ones, so it is no small part of the whole. "
            "The mailbox's own domain is counted by mailbox alone."
        ),
    )

    @property
    def listens(self) -> bool:
        """Whether a relay brings mail to us: not where every account's mail is fetched."""
        return any(account.mailbox is None for account in self.accounts)

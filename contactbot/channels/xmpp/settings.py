"""What can be set for the XMPP channel."""

from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from slixmpp.jid import JID, InvalidJID

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class AccountSettings(BaseModel):
    """One account of ours on an XMPP server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jid: str = Field(description="Our address without a resource, such as `hei@chat.fjordvik.no`.")
    password: SecretStr = Field(description="The account's password; it is sent only over verified TLS.")
    municipality: str = Field(
        "", description="The municipality its messages are for, by key. Empty: the only configured one."
    )
    host: str = Field("", description="The server to connect to. Empty: the one DNS names for the address's domain.")
    port: int = Field(
        0, ge=0, le=65535, description="Its port, used with `host`. 0: 5222, or 5223 with `direct_tls` (RFC 6120)."
    )
    direct_tls: bool = Field(
        default=False, description="Speak TLS from the first byte (XEP-0368); without, STARTTLS is demanded."
    )
    ca_file: Path | None = Field(
        None, description="PEM file with the authority of the server's certificate. Empty: the system's authorities."
    )

    component: bool = Field(
        default=False,
        description=(
            "Connect as an external component (XEP-0114) whose domain is the address's; `password` is the component's "
            "secret, `host` must be this machine (the line is not encrypted), `port` 0 means 5347."
        ),
    )

    @model_validator(mode="after")
    def _local(self) -> Self:
        if self.component and self.host not in LOOPBACK:
            raise ValueError(
                f"{self.jid}: a component's line is not encrypted, so host must be one of {', '.join(LOOPBACK)}; "
                "reach another machine through a tunnel"
            )
        return self

    @field_validator("jid")
    @classmethod
    def _bare(cls, text: str) -> str:
        try:
            jid = JID(text)
        except InvalidJID as error:
            raise ValueError(f"«{text}» is not an XMPP address: {error}") from None
        if not jid.local or jid.resource:
            raise ValueError(f"«{text}» must look like name@domain, without a resource")
        return jid.bare


class XmppSettings(BaseModel):
    """The accounts and the patience of the XMPP channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: dict[str, AccountSettings] = Field(
        min_length=1, description="Our accounts, each under a name of your choice: `[channels.xmpp.accounts.NAME]`."
    )
    connect_seconds: float = Field(30, gt=0, description="Seconds a connection may take, login included.")
    ack_seconds: float = Field(
        10,
        gt=0,
        le=20,
        description="Seconds the server may take to acknowledge a message before the stream counts as dead.",
    )
    check_seconds: float = Field(
        60,
        gt=0,
        description="Seconds between looks into the archive, which show that the line is alive and nothing was missed.",
    )
    first_pause: float = Field(1, gt=0, description="Seconds until the first attempt to connect again.")
    longest_pause: float = Field(
        300, gt=0, description="Seconds; no wait is longer. A wrong password and a conflict wait at least half of it."
    )
    history_days: float = Field(
        7,
        ge=0,
        description="Days of the archive that are read when nothing was received yet or its last id has expired.",
    )
    waiting: int = Field(
        200,
        ge=1,
        description=(
            "Messages that may be in memory, waiting or being handled; further ones wait in the archive. So many are "
            "read from it again after a crash at most."
        ),
    )
    strangers_per_hour: int = Field(
        300,
        ge=1,
        description=(
            "Senders whom nobody has ever answered that are taken up in an hour, per account; what more of them write "
            "is kept unanswered, and one case tells staff."
        ),
    )
    strangers_per_server: int = Field(
        60, ge=1, description="The same, of one XMPP server; the account's own server is counted by account alone."
    )
    side_by_side: int = Field(
        50,
        ge=1,
        description="Messages of different senders that are handled at the same time; one sender's are in order.",
    )
    max_characters: int = Field(
        20_000, ge=100, description="Longest message that is taken, in characters; longer ones are refused."
    )

    @field_validator("accounts")
    @classmethod
    def _distinct(cls, accounts: dict[str, AccountSettings]) -> dict[str, AccountSettings]:
        jids = [account.jid for account in accounts.values()]
        twice = sorted({jid for jid in jids if jids.count(jid) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands under more than one name")
        return accounts

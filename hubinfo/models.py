"""The tables, and nothing that sends or decides."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from hubinfo.database import Base, UtcDateTime, db

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


_Long = BigInteger().with_variant(Integer(), "sqlite")
"""Of a table to which a busy hub adds two thousand million rows within a year; SQLite's INTEGER is as long."""


class ConnectionStatus(StrEnum):
    """OCPI 2.2.1 hubclientinfo, ConnectionStatus."""

    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


class Platform(Model):
    """One OCPI endpoint behind one pair of credentials tokens, or the invitation to become one."""

    __tablename__ = "platform"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    """Short name shown to operators, made of the party invited first, e.g. NL-TNM."""
    status: Mapped[str] = mapped_column(String(16))
    """Of the connection; kept by hub/presence.py from the statuses of its rows."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """SHA-256 of the token this platform presents: token A until it registers, C from then on; none once unregistered."""
    token_made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this platform last presented it."""
    token_out: Mapped[str | None] = mapped_column(String(512))
    """The token we present (B), encrypted; none unless registered."""
    token_out_made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_out_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_form: Mapped[str | None] = mapped_column(String(8))
    """How this platform wants the token in the header: base64 or raw."""
    version: Mapped[str | None] = mapped_column(String(8))
    versions_url: Mapped[str | None] = mapped_column(String(255))
    versions_shown: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """The only OCPI versions that its versions list has; none: all that are offered."""
    receiver_url: Mapped[str | None] = mapped_column(String(1024))
    """Where to PUT ClientInfo; none when it has no Receiver."""
    sender_url: Mapped[str | None] = mapped_column(String(1024))
    """Where to GET the list of ClientInfo; none when it has no Sender."""
    endpoints: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    """As its version details listed them: identifier, role, url."""

    last_heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_probes: Mapped[int] = mapped_column(default=0)
    """Still-alive checks failed in a row."""
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    probe_reason: Mapped[str | None] = mapped_column(String(255))
    next_probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When to probe next; none: after KEEPALIVE_SECONDS of silence."""

    told_revision: Mapped[int] = mapped_column(BigInteger, default=0)
    """The cursor: every change up to this revision has been told, refused or passed over."""
    tellings: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How often an operator had it told everything again; what is known of an earlier telling no longer counts."""
    failed_pushes: Mapped[int] = mapped_column(default=0)
    """Pushes failed in a row."""
    push_reason: Mapped[str | None] = mapped_column(String(255))
    next_push_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the last full pull from this hub came through whole."""
    failed_syncs: Mapped[int] = mapped_column(default=0, server_default="0")
    """Full pulls failed in a row."""
    sync_reason: Mapped[str | None] = mapped_column(String(255))
    next_sync_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When to pull next; none: now."""

    client_infos: Mapped[list["ClientInfo"]] = relationship(back_populates="platform", order_by="ClientInfo.id")

    @property
    def registered(self) -> bool:
        """Whether credentials have been exchanged."""
        return self.token_out is not None

    @property
    def invited(self) -> bool:
        """Whether token A has been given out and not used."""
        return self.token_hash is not None and self.token_out is None


class ClientInfo(Model):
    """A party in one role, as the hub tells others about it (OCPI 2.2.1 hubclientinfo, ClientInfo).

    Country codes and party ids are CiStrings; they are kept in upper case, so that nobody sees one party under two spellings.
    """

    __tablename__ = "client_info"
    __table_args__ = (UniqueConstraint("party", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Also the order of creation, in which lists are served."""
    country_code: Mapped[str] = mapped_column(String(2))
    party_id: Mapped[str] = mapped_column(String(3))
    party: Mapped[str] = mapped_column(String(8))
    """`NL-TNM`."""
    role: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(16))
    last_updated: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its status became what it is; `last_updated` is later where something else has changed since."""
    up_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How long it had been CONNECTED, all in all, at `status_since`."""
    down_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How long it had been OFFLINE."""
    changes: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often its status has changed, all in all."""
    revision: Mapped[int] = mapped_column(BigInteger, unique=True)
    """The number of its latest change, from one counter for all rows."""
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    registered: Mapped[bool] = mapped_column(default=False)
    """Its platform brought it when registering (an invited role may be left out)."""
    suspended_by_operator: Mapped[bool] = mapped_column(default=False)
    business_details: Mapped[dict[str, Any]] = mapped_column(JSON)

    platform: Mapped[Platform] = relationship(back_populates="client_infos")

    @validates("country_code", "party_id")
    def _in_upper_case(self, _name: str, value: str) -> str:
        return value.upper()


class History(Model):
    """One change of a ClientInfo: what happened and what it became.

    With the running totals at that moment, availability in any period is a difference between two lines.
    """

    __tablename__ = "history"
    __table_args__ = (Index(None, "client_info_id", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    client_info_id: Mapped[int] = mapped_column(ForeignKey("client_info.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(255))
    up_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How long the row had been CONNECTED, all in all, at `at`."""
    down_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How long it had been OFFLINE."""
    changes: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often its status had changed, this time included."""

    client_info: Mapped[ClientInfo] = relationship()


class Activity(Model):
    """One push or probe and what came of it; the latest ones are kept."""

    __tablename__ = "activity"
    __table_args__ = (Index(None, "platform_id", "id"), Index(None, "client_info_id"))

    id: Mapped[int] = mapped_column(_Long, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it ended."""
    kind: Mapped[str] = mapped_column(String(8))
    """push or probe."""
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    client_info_id: Mapped[int | None] = mapped_column(ForeignKey("client_info.id"))
    """Of which party a push told."""
    told: Mapped[str | None] = mapped_column(String(16))
    """The status that it told."""
    outcome: Mapped[str] = mapped_column(String(8))
    """ok, refused (for good) or failed."""
    reason: Mapped[str | None] = mapped_column(String(255))
    seconds: Mapped[float | None] = mapped_column(Double)


class Action(Model):
    """What an operator did, and where."""

    __tablename__ = "action"

    id: Mapped[int] = mapped_column(_Long, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(80))
    """command, board, or `api: ` and the name of the token."""
    what: Mapped[str] = mapped_column(String(32))
    """E.g. suspend."""
    about: Mapped[str | None] = mapped_column(String(255), index=True)
    """A party, a platform, a token, a URL."""
    details: Mapped[str | None] = mapped_column(String(255))


class Refusal(Model):
    """A ClientInfo that a platform did not take: passed over until it accepts a later revision, or set aside and tried again."""

    __tablename__ = "refusal"
    __table_args__ = (
        UniqueConstraint("platform_id", "client_info_id"),
        Index(None, "client_info_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    client_info_id: Mapped[int] = mapped_column(ForeignKey("client_info.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(255))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was answered wrongly in a row; 0 when it was refused for good."""
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it is tried again; none: it was refused for good."""


class Known(Model):
    """What a hub told us of a party in one role; the hub owns it, so each hub's word is kept apart."""

    __tablename__ = "known"
    __table_args__ = (UniqueConstraint("platform_id", "party", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    """The hub."""
    country_code: Mapped[str] = mapped_column(String(2))
    party_id: Mapped[str] = mapped_column(String(3))
    party: Mapped[str] = mapped_column(String(8), index=True)
    role: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(16))
    last_updated: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    valid: Mapped[bool] = mapped_column(default=True)
    """False once a full pull no longer lists it."""

    platform: Mapped[Platform] = relationship()

    @validates("country_code", "party_id")
    def _in_upper_case(self, _name: str, value: str) -> str:
        return value.upper()


class PendingToken(Model):
    """A token B that is being offered: its holder may look at our versions while it decides."""

    __tablename__ = "pending_token"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AlternativeToken(Model):
    """A token that a platform may present beside its own, as long as one side may not have the other's answer."""

    __tablename__ = "alternative_token"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    """See platforms/alternatives.py."""

    platform: Mapped[Platform] = relationship()


class ApiToken(Model):
    """A bearer token for `/api`, as its hash."""

    __tablename__ = "api_token"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """To about a minute."""


class Concern(Model):
    """Something that an operator wants to know of, while it lasts and a while longer; and whether it has been told."""

    __tablename__ = "concern"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """E.g. offline; see notify/kinds.py."""
    subject: Mapped[str] = mapped_column(String(32))
    """A party or a platform by its short name; empty where it is this platform itself."""
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when it lasts; none once it has ended."""
    told: Mapped[bool] = mapped_column(default=False)
    """Whether the operator knows that it lasts."""
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the operator was last told of it."""


class Notification(Model):
    """A message that waits to be sent over one channel."""

    __tablename__ = "notification"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str] = mapped_column(String(64), unique=True)
    """The same in every attempt, so that who gets it twice can tell."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    events: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """As a webhook has them: type, timestamp, data."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When to try next; during an attempt, when to try again should nothing come of it."""
    reason: Mapped[str | None] = mapped_column(String(255))


class Counter(Model):
    """A number that only grows: `revision`, and `holders` of platforms/directory.py."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Lease(Model):
    """Who may do the background work, until when."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


def party_of(country_code: str, party_id: str) -> str:
    """The short name under which parties are compared (CiString: without case)."""
    return f"{country_code}-{party_id}".upper()

"""The sections of a configuration that belong to nobody's room: who, what was bought, which rules."""

import ipaddress
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from idpsync.core.contract import MOST_SEATS
from idpsync.core.policy import Guests, LeaverAction, Mode, WhenFull, WithoutRule, domain_of
from idpsync.core.seats import Door
from idpsync.log import LogFormat, LogLevel
from idpsync.mailbox import mailbox
from idpsync.settings import Duration, Secret, Settings
from idpsync.smtp import SmtpServer

NO_SEAT = "none"
ALL_TIERS = "total"


class Section(Settings):
    """A part of the configuration; the line under a field is what an editor shows for it."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def _domain(text: str) -> str:
    domain = domain_of(f"x@{text}")
    if not re.fullmatch(r"(?:[\w-]+\.)+[\w-]+", text):
        raise ValueError("must be a domain such as acme.example, without @, * or https://")
    return domain


def _person(text: str) -> str:
    if not re.fullmatch(r"[^\s,;<>\"]+", text) or text.startswith("@") or text.endswith("@"):
        raise ValueError("must be one e-mail address or user name: ada@acme.example")
    return text


def _money(value: object) -> object:
    if type(value) in {bool, float}:
        raise ValueError('an amount of money stands in quotes: "20.00"')
    return value


def _above_zero(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be longer than 0")
    return value


Count = Annotated[int, Field(strict=True, ge=0)]
SeatCount = Annotated[int, Field(strict=True, ge=0, le=MOST_SEATS)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Name = Annotated[str, Field(min_length=1)]
Person = Annotated[str, AfterValidator(_person)]
Domain = Annotated[str, AfterValidator(_domain)]
Span = Annotated[Duration, AfterValidator(_above_zero)]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    Field(ge=0, max_digits=14, decimal_places=4),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["20.00"]}),
]


class OrganizationConfig(Section):
    """Whose seats these are."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    """Key of every row in the store; do not change it later."""
    name: str = ""
    """What people read in the console and in messages; the id where it is left out."""
    verified_domains: tuple[Domain, ...] = ()
    """Only addresses in these domains may have an account; empty means every domain."""
    primary_owner: Person | None = None
    """Takes a seat; is never demoted, deactivated or removed by a plan."""
    protected: tuple[Person, ...] = ()
    """Further people that no plan may take anything from."""
    doors: Annotated[tuple[Door, ...], Field(min_length=1)] = (Door.SYNC, Door.JIT, Door.MANUAL)
    """Which ways in are open."""


def _store_url(text: str) -> str:
    if not re.match(r"(sqlite:///|postgresql(\+psycopg)?://|env:.|file:.)", text):
        raise ValueError(
            "must be sqlite:///PATH or postgresql+psycopg://…, or env:NAME or file:/path of such a URL"
        )
    return text


class StoreConfig(Section):
    """Where idpsync remembers: seats, links, wait list, ledger."""

    url: Annotated[str, AfterValidator(_store_url)] = "sqlite:///var/idpsync.db"
    """SQLite for one process, PostgreSQL for replicas; `env:NAME` where the URL holds a password."""

    def reveal(self) -> str:
        """The database URL, read through its reference if it is one; ConfigError if that is gone."""
        if self.url.startswith(("env:", "file:")):
            return Secret(self.url).reveal()
        return self.url


def _tier_name(text: str) -> str:
    if text in {NO_SEAT, ALL_TIERS}:
        raise ValueError(f"`{NO_SEAT}` and `{ALL_TIERS}` have a meaning of their own: take another name")
    return text


class TierConfig(Section):
    """One rung of the ladder."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .-]{0,62}$"), AfterValidator(_tier_name)]
    price_per_seat_month: Money | None = None
    """Contract price, in the currency of the contract; without it nothing can be quoted."""


class ContractConfig(Section):
    """Seeds an empty store; afterwards the store is the record and `check` reports a difference."""

    starts: date
    ends: date
    """Last day of the term."""
    auto_renew: bool = True
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    proration: Literal["months", "days_inclusive", "days_exclusive"] = "months"
    """How a purchase during the term is priced: whole months left, or days with or without today."""
    seats: Annotated[dict[str, SeatCount], Field(min_length=1)]
    """Seats purchased per tier."""
    reserve: dict[str, Count] = Field(default_factory=dict)
    """Seats per tier that sync leaves free for logins."""
    invite_days: Annotated[int, Field(strict=True, ge=1)] = 21
    """An invite that is not accepted for so many days expires and gives its seat back."""


def _tier_or_none(value: object) -> object:
    if value is None:
        raise ValueError(
            "is empty: write `tier: none` for a member without a seat, or leave the key out"
        )
    return value


class RuleConfig(Section):
    """What members of one group may have."""

    group: Name
    """Name of the group in the directory, letter by letter."""
    tier: Annotated[Name | None, BeforeValidator(_tier_or_none), WithJsonSchema({"type": "string"})] = (
        None
    )
    """A tier of the ladder, or `none`: a member without a seat."""
    role: Annotated[str, Field(min_length=1)] | None = None
    priority: Annotated[int, Field(strict=True)] = 0
    """Who comes first when seats are short; higher is first."""
    when_full: WhenFull | None = None
    """What these people do while the tier is full; `policy.when_full` where it is left out."""


class LeaversConfig(Section):
    """What happens to people whom the directory does not name any more."""

    action: LeaverAction = LeaverAction.DEACTIVATE
    grace: Duration = timedelta(0)
    """How long after they were first missed."""


class PolicyConfig(Section):
    """Who may have what."""

    mode: Mode = Mode.FULL
    """What a plan may contain: everything, no removals, creations only, or nothing."""
    without_rule: WithoutRule = WithoutRule.HIGHEST_AVAILABLE
    """For people whom no rule with a tier names; `none` gives them no account."""
    when_full: WhenFull = WhenFull.SPILL_DOWN
    """`spill_down`: the next lower free tier, and wait for the wished one."""
    preempt: Annotated[bool, Field(strict=True)] = False
    """Whether a higher priority takes the tier, never the access, of a lower one."""
    guests: Guests = Guests.EXCLUDE
    """Whether people that the directory calls guests may have an account."""
    min_hold: Duration = timedelta(hours=24)
    """No tier is lowered sooner than this after it was given."""
    rules: tuple[RuleConfig, ...] = ()
    """Several match: the highest tier wins, then the highest priority; all roles add up."""
    leavers: LeaversConfig = LeaversConfig()


class ScheduleConfig(Section):
    """When the daemon reconciles."""

    reconcile: Span = timedelta(minutes=10)
    full_read: Span = timedelta(hours=24)
    """Incremental reads in between, where the directory can."""
    jitter: Duration = timedelta(seconds=30)


def _mail_server(url: str) -> str:
    SmtpServer.at(url)
    return url


def _sender(text: str) -> str:
    try:
        mailbox(text)
    except ValueError:
        raise ValueError(
            "must be one e-mail address, with a name or without: idpsync <idpsync@acme.example>"
        ) from None
    return text


def _underscored(value: object) -> object:
    return value.replace("-", "_") if isinstance(value, str) else value


Smtp = Annotated[
    str,
    Field(pattern=r"^smtps?://[^/\s@]+$", examples=["smtp://mail.acme.example:587"]),
    AfterValidator(_mail_server),
]
Language = Annotated[
    Literal["en", "pt_BR"],
    BeforeValidator(_underscored),
    WithJsonSchema({"type": "string", "enum": ["en", "pt_BR", "pt-BR"]}),
]


class MailConfig(Section):
    """The server for invitations, and for e-mail receivers that name none."""

    smtp: Smtp
    """`smtp://host:port` (encrypted where the server offers STARTTLS) or `smtps://host:port`."""
    sender: Annotated[str, Field(alias="from", pattern=r"@"), AfterValidator(_sender)]
    """Who writes, and who hears of what cannot be delivered."""
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    """Certificates (PEM) of who signed the server's, where this machine does not know them."""
    language: Language = "en"
    """Of letters to people whose language nobody said."""


def _listen(text: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise ValueError("must be host:port, such as 127.0.0.1:8080 or [::1]:8080")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError("must be an IP address or network: 10.0.0.0/8") from error


class AdminsConfig(Section):
    """Who may use the console and the API: members of these groups, and these people."""

    groups: tuple[Name, ...] = ()
    emails: tuple[Person, ...] = ()


class WebConfig(Section):
    """The web server of `run`."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Only these may say with X-Forwarded-For whom they speak for."""
    session_key: Secret | None = None
    """Signs session cookies; without it a new one is made at each start, and logins end with it."""
    admins: AdminsConfig = AdminsConfig()

    @property
    def host(self) -> str:
        """The address to bind to, without the brackets of IPv6."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class LogConfig(Section):
    """What is written to stderr."""

    format: LogFormat = "auto"
    """`auto`: for people on a terminal, JSON lines elsewhere."""
    level: LogLevel = "info"

"""Tables of what runs and logins leave: ledger, runs, last reads, alerts, messages, ids, the lease."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from idpsync.store.schema import metadata, organization
from idpsync.store.types import BigNumber, Instant, Json

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigNumber, primary_key=True, autoincrement=True),
    Column("organization", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("member", Text),
    Column("account_id", Text),
    Column("outcome", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("run_id", Text),
    Index("ledger_member", "organization", "member", "seq"),
)  # nothing is ever deleted here (a trigger), so that SQLite gives no number twice either
Index("ledger_order", ledger.c.organization, ledger.c.seq).ddl_if(dialect="postgresql")
# an SQLite file serves one organisation as a rule: the row number is the order, without a page more

ledger_seal = Table(
    "ledger_seal",
    metadata,
    organization(),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("last_seq", BigNumber, nullable=False),
    Column("sealed", Integer, nullable=False),
    Column("marks", LargeBinary, nullable=False),
    Column("batch_sha", Text, nullable=False),
    Column("prev_sha", Text, nullable=False),
    Column("sha", Text, nullable=False),
    Column("sealed_at", Instant, nullable=False),
)

run = Table(
    "run",
    metadata,
    organization(),
    Column("id", Text, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("ended_at", Instant),
    Column("digest", Text),
    Column("counts", Json, nullable=False),
    Column("error", Text),
    Column("problems", Json, nullable=False),
    Index("run_started", "organization", "started_at"),
)

headroom = Table(
    "headroom",
    metadata,
    Column("seq", BigNumber, primary_key=True, autoincrement=True),
    Column("organization", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("tier", Text, nullable=False),
    Column("purchased", Integer, nullable=False),
    Column("assigned", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Index("headroom_at", "organization", "at"),
)

job_slot = Table(
    "job_slot",
    metadata,
    organization(),
    Column("job", Text, primary_key=True),
    Column("slot", Instant, primary_key=True),
)

held_plan = Table(
    "held_plan",
    metadata,
    organization(),
    Column("digest", Text, primary_key=True),
    Column("held_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("tripped", Json, nullable=False),
    Column("plan", Json, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("limits", Json),
)

cached_person = Table(
    "cached_person",
    metadata,
    organization(),
    Column("external_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("external_key", Text, nullable=False),
    Column("user_key", Text, nullable=False),
    Column("email_key", Text),
    Column("record", Json, nullable=False),
    Index("cached_person_external", "organization", "external_key"),
    Index("cached_person_user", "organization", "user_key"),
    Index("cached_person_email", "organization", "email_key"),
)

cached_group = Table(
    "cached_group",
    metadata,
    organization(),
    Column("name", Text, primary_key=True),
    Column("sha", Text, nullable=False),
    Column("external_id", Text),
)

cached_member = Table(
    "cached_member",
    metadata,
    organization(),
    Column("group_name", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Index("cached_member_person", "organization", "external_id"),
)

cache_state = Table(
    "cache_state", metadata, organization(), Column("saved_at", Instant), Column("scope", Text)
)

alert_state = Table(
    "alert_state",
    metadata,
    organization(),
    Column("key", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("severity", Text),
    Column("summary", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("pending_since", Instant),
    Column("firing_since", Instant),
    Column("last_sent_at", Instant),
    Column("acknowledged_by", Text),
    Column("silenced_until", Instant),
    Column("told", Json, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigNumber, primary_key=True, autoincrement=True),
    Column("organization", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("alert_key", Text, nullable=False),
    Column("alert", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("begun", Integer, nullable=False),  # deliveries begun; also the token of the present one
    Column("next_at", Instant, nullable=False),
    Column("leased_until", Instant),
    Column("last_error", Text),
    UniqueConstraint("id"),
    CheckConstraint("state IN ('pending', 'done', 'dead')", name="state"),
    sqlite_autoincrement=True,
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
)
Index(
    "outbox_pending",
    outbox.c.organization,
    outbox.c.receiver,
    outbox.c.alert_key,
    outbox.c.seq,
    postgresql_where=outbox.c.state == "pending",
    sqlite_where=outbox.c.state == "pending",
)

once = Table(
    "once",
    metadata,
    organization(),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("payload", Text),
    Column("until", Instant, nullable=False),
    Index("once_until", "organization", "until"),
)

lease = Table(
    "lease",
    metadata,
    organization(),
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigNumber, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

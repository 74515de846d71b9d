"""The tables. One row belongs to one organisation; nothing is shared between two.

Two things are true in the database itself, whoever writes to it: there is no ordinary seat row beyond
`capacity.seats` (a trigger, see the first migration), and a member has at most one seat, or two while
they move (`seat_member`). Seats beyond the contract, which a target or an upgrade of seats that people
sit in has caused, are numbered above BEYOND and vanish when released.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from idpsync.store.types import BigNumber, Instant, Json

BEYOND = 1_000_000
"""Seat numbers above this are overdrawn: somebody sits there, and it is not in the contract."""

SEAT_STATES = f"""
seat_no > 0 AND overdrawn = (seat_no > {BEYOND}) AND CASE state
  WHEN 'free' THEN role = 'primary' AND NOT overdrawn AND member IS NULL AND door IS NULL
    AND since IS NULL AND expires_at IS NULL AND account_id IS NULL AND ticket IS NULL
  WHEN 'reserved' THEN role IN ('primary', 'moving') AND member IS NOT NULL AND door IS NOT NULL
    AND since IS NOT NULL AND expires_at IS NOT NULL AND account_id IS NULL
  WHEN 'claimed' THEN role = 'primary' AND member IS NOT NULL AND door IS NOT NULL
    AND since IS NOT NULL AND expires_at IS NULL AND account_id IS NOT NULL AND ticket IS NULL
  ELSE false END
""".strip()
"""What a row of each state has. One constraint: each one of its own is made ready for every claim."""

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(referred_table_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _organization() -> "Column[str]":
    return Column("organization", Text, primary_key=True)


capacity = Table(
    "capacity",
    metadata,
    _organization(),
    Column("tier", Text, primary_key=True),
    Column("seats", Integer, nullable=False),
    CheckConstraint(f"seats >= 0 AND seats <= {BEYOND}", name="seats"),
)

seat = Table(
    "seat",
    metadata,
    _organization(),
    Column("tier", Text, primary_key=True),
    Column("seat_no", Integer, primary_key=True),
    Column("state", Text, nullable=False, server_default="free"),
    Column("role", Text, nullable=False, server_default="primary"),
    Column("overdrawn", Boolean, nullable=False, server_default=text("false")),
    Column("member", Text),
    Column("door", Text),
    Column("account_id", Text),
    Column("since", Instant),
    Column("expires_at", Instant),
    Column("changed_at", Instant),
    Column("ticket", BigNumber),  # of whoever made the reservation, until somebody joins it
    ForeignKeyConstraint(["organization", "tier"], ["capacity.organization", "capacity.tier"]),
    CheckConstraint(SEAT_STATES, name="states"),
    # claimed rows leave dead entries at the head of seat_free: vacuum early
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "fillfactor": "80"},
)
Index(
    "seat_member",
    seat.c.organization,
    seat.c.member,
    seat.c.role,
    unique=True,
    postgresql_where=seat.c.member.is_not(None),
    sqlite_where=seat.c.member.is_not(None),
)
Index(  # changed_at, which no free row has, makes this the one index that gives a claim its order:
    # the planner took the primary key instead and read every taken row on the way
    "seat_free",
    seat.c.organization,
    seat.c.tier,
    seat.c.changed_at,
    seat.c.seat_no,
    postgresql_where=seat.c.state == "free",
    sqlite_where=seat.c.state == "free",
)
Index(
    "seat_overdrawn",
    seat.c.organization,
    seat.c.tier,
    postgresql_where=text("overdrawn"),
    sqlite_where=text("overdrawn"),
)

wait_list = Table(
    "wait_list",
    metadata,
    _organization(),
    Column("member", Text, primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("wants", Text, nullable=False),
    Column("accepts", Json, nullable=False),
    Column("holds", Text),
    Column("since", Instant, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("because", Json, nullable=False),
    Column("owed", Boolean, nullable=False),
    Column("door", Text, nullable=False),
)

queue = Table(  # one row for each tier a waiting member would take: the queue rule reads this index
    "queue",
    metadata,
    _organization(),
    Column("tier", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("owed", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    ForeignKeyConstraint(
        ["organization", "member"],
        ["wait_list.organization", "wait_list.member"],
        ondelete="CASCADE",
        onupdate="CASCADE",
    ),
    Index("queue_member", "organization", "member"),
)

link = Table(
    "link",
    metadata,
    _organization(),
    Column("account_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("adopted_at", Instant, nullable=False),
    Column("missing_since", Instant),
)

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
    _organization(),
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
    _organization(),
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
    _organization(),
    Column("job", Text, primary_key=True),
    Column("slot", Instant, primary_key=True),
)

held_plan = Table(
    "held_plan",
    metadata,
    _organization(),
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
    _organization(),
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
    _organization(),
    Column("name", Text, primary_key=True),
    Column("sha", Text, nullable=False),
    Column("external_id", Text),
)

cached_member = Table(
    "cached_member",
    metadata,
    _organization(),
    Column("group_name", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Index("cached_member_person", "organization", "external_id"),
)

cache_state = Table(
    "cache_state", metadata, _organization(), Column("saved_at", Instant), Column("scope", Text)
)

alert_state = Table(
    "alert_state",
    metadata,
    _organization(),
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
    _organization(),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("payload", Text),
    Column("until", Instant, nullable=False),
    Index("once_until", "organization", "until"),
)

lease = Table(
    "lease",
    metadata,
    _organization(),
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigNumber, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

shelf = Table(
    "shelf",
    metadata,
    _organization(),
    Column("id", Text, primary_key=True),
    Column("user_key", Text, nullable=False),
    Column("record", Json, nullable=False),
    UniqueConstraint("organization", "user_key"),
)

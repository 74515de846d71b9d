"""The tables of seats, wishes, links and our own accounts; `metadata` has those of all modules.

One row belongs to one organisation; nothing is shared between two.

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


def organization() -> "Column[str]":
    """Whose row it is; the first part of every key."""
    return Column("organization", Text, primary_key=True)


capacity = Table(
    "capacity",
    metadata,
    organization(),
    Column("tier", Text, primary_key=True),
    Column("seats", Integer, nullable=False),
    CheckConstraint(f"seats >= 0 AND seats <= {BEYOND}", name="seats"),
)

seat = Table(
    "seat",
    metadata,
    organization(),
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
    organization(),
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
    organization(),
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
    organization(),
    Column("account_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("adopted_at", Instant, nullable=False),
    Column("missing_since", Instant),
)

shelf = Table(
    "shelf",
    metadata,
    organization(),
    Column("id", Text, primary_key=True),
    Column("user_key", Text, nullable=False),
    Column("record", Json, nullable=False),
    UniqueConstraint("organization", "user_key"),
)

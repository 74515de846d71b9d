"""Tables of the manual door: invites, and tiers given by hand. One row belongs to one organisation."""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text

from idpsync.store.schema import metadata
from idpsync.store.types import BigNumber, Instant

INVITE_STATES = """
CASE state WHEN 'pending' THEN ended_at IS NULL
  WHEN 'accepted' THEN ended_at IS NOT NULL
  WHEN 'withdrawn' THEN ended_at IS NOT NULL
  WHEN 'lapsed' THEN ended_at IS NOT NULL
  ELSE false END
""".strip()

invite = Table(
    "invite",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("invited_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ticket", BigNumber, nullable=False),  # of the seat it holds; known to nobody outside
    CheckConstraint(INVITE_STATES, name="states"),
)
Index(  # one pending invite for a member, whoever writes
    "invite_pending",
    invite.c.organization,
    invite.c.member,
    unique=True,
    postgresql_where=invite.c.state == "pending",
    sqlite_where=invite.c.state == "pending",
)
Index(
    "invite_lapsing",
    invite.c.organization,
    invite.c.expires_at,
    postgresql_where=invite.c.state == "pending",
    sqlite_where=invite.c.state == "pending",
)

assignment = Table(
    "assignment",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("tier", Text),  # none: no seat
    Column("given_by", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("account_id", Text),  # none: not known yet
)

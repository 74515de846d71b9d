"""Seats, the wait list, links, and who leads."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.migrations.seat_guards import PER_ENGINE
from idpsync.store.types import BigNumber, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_STATES = """
seat_no > 0 AND overdrawn = (seat_no > 1000000) AND CASE state
  WHEN 'free' THEN role = 'primary' AND NOT overdrawn AND member IS NULL AND door IS NULL
    AND since IS NULL AND expires_at IS NULL AND account_id IS NULL AND ticket IS NULL
  WHEN 'reserved' THEN role IN ('primary', 'moving') AND member IS NOT NULL AND door IS NOT NULL
    AND since IS NOT NULL AND expires_at IS NOT NULL AND account_id IS NULL
  WHEN 'claimed' THEN role = 'primary' AND member IS NOT NULL AND door IS NOT NULL
    AND since IS NOT NULL AND expires_at IS NULL AND account_id IS NOT NULL AND ticket IS NULL
  ELSE false END
""".strip()


def upgrade() -> None:
    _capacity()
    _seat()
    _wait_list()
    _queue()
    _link()
    _lease()
    _once()
    _shelf()
    for statement in PER_ENGINE[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def _capacity() -> None:
    op.create_table(
        "capacity",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.CheckConstraint("seats >= 0 AND seats <= 1000000", name=op.f("capacity_seats")),
        sa.PrimaryKeyConstraint("organization", "tier", name=op.f("capacity_pkey")),
    )


def _seat() -> None:
    op.create_table(
        "seat",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="free", nullable=False),
        sa.Column("role", sa.Text(), server_default="primary", nullable=False),
        sa.Column("overdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("door", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("since", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.Column("ticket", BigNumber, nullable=True),
        sa.CheckConstraint(_STATES, name=op.f("seat_states")),
        sa.ForeignKeyConstraint(
            ["organization", "tier"],
            ["capacity.organization", "capacity.tier"],
            name=op.f("seat_capacity_fkey"),
        ),
        sa.PrimaryKeyConstraint("organization", "tier", "seat_no", name=op.f("seat_pkey")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "fillfactor": "80"},
    )
    op.create_index(
        "seat_free",
        "seat",
        ["organization", "tier", "changed_at", "seat_no"],
        unique=False,
        postgresql_where=sa.text("state = 'free'"),
        sqlite_where=sa.text("state = 'free'"),
    )
    op.create_index(
        "seat_member",
        "seat",
        ["organization", "member", "role"],
        unique=True,
        postgresql_where=sa.text("member IS NOT NULL"),
        sqlite_where=sa.text("member IS NOT NULL"),
    )
    op.create_index(
        "seat_overdrawn",
        "seat",
        ["organization", "tier"],
        unique=False,
        postgresql_where=sa.text("overdrawn"),
        sqlite_where=sa.text("overdrawn"),
    )


def _wait_list() -> None:
    op.create_table(
        "wait_list",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("wants", sa.Text(), nullable=False),
        sa.Column("accepts", Json(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("because", Json(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "member", name=op.f("wait_list_pkey")),
    )


def _queue() -> None:
    op.create_table(
        "queue",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization", "member"],
            ["wait_list.organization", "wait_list.member"],
            name=op.f("queue_wait_list_fkey"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization", "tier", "member", name=op.f("queue_pkey")),
    )
    op.create_index("queue_member", "queue", ["organization", "member"], unique=False)


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("adopted_at", Instant(), nullable=False),
        sa.Column("missing_since", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "account_id", name=op.f("link_pkey")),
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", BigNumber, nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "name", name=op.f("lease_pkey")),
    )


def _once() -> None:
    op.create_table(
        "once",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "kind", "id", name=op.f("once_pkey")),
    )
    op.create_index("once_until", "once", ["organization", "until"], unique=False)


def _shelf() -> None:
    op.create_table(
        "shelf",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("record", Json(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("shelf_pkey")),
        sa.UniqueConstraint("organization", "user_key", name=op.f("shelf_organization_user_key_key")),
    )

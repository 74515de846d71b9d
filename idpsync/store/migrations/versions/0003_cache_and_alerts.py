"""The read cache, alert state and the outbox."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.types import BigNumber, Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cached_person()
    _cached_group()
    _cached_member()
    _cache_state()
    _alert_state()
    _outbox()


def _cached_person() -> None:
    op.create_table(
        "cached_person",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_key", sa.Text(), nullable=False),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("record", Json(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "external_id", name=op.f("cached_person_pkey")),
    )
    op.create_index("cached_person_email", "cached_person", ["organization", "email_key"], unique=False)
    op.create_index(
        "cached_person_external", "cached_person", ["organization", "external_key"], unique=False
    )
    op.create_index("cached_person_user", "cached_person", ["organization", "user_key"], unique=False)


def _cached_group() -> None:
    op.create_table(
        "cached_group",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "name", name=op.f("cached_group_pkey")),
    )


def _cached_member() -> None:
    op.create_table(
        "cached_member",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization", "group_name", "external_id", name=op.f("cached_member_pkey")
        ),
    )
    op.create_index(
        "cached_member_person", "cached_member", ["organization", "external_id"], unique=False
    )


def _cache_state() -> None:
    op.create_table(
        "cache_state",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("organization", name=op.f("cache_state_pkey")),
    )


def _alert_state() -> None:
    op.create_table(
        "alert_state",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("runbook", sa.Text(), nullable=False),
        sa.Column("pending_since", Instant(), nullable=True),
        sa.Column("firing_since", Instant(), nullable=True),
        sa.Column("last_sent_at", Instant(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("silenced_until", Instant(), nullable=True),
        sa.Column("told", Json(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "key", name=op.f("alert_state_pkey")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", BigNumber, autoincrement=True, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("alert_key", sa.Text(), nullable=False),
        sa.Column("alert", Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'dead')", name=op.f("outbox_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("id", name=op.f("outbox_id_key")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "outbox_pending",
        "outbox",
        ["organization", "receiver", "alert_key", "seq"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )

"""Invites, and tiers given by hand."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.types import BigNumber, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_STATES = """
CASE state WHEN 'pending' THEN ended_at IS NULL
  WHEN 'accepted' THEN ended_at IS NOT NULL
  WHEN 'withdrawn' THEN ended_at IS NOT NULL
  WHEN 'lapsed' THEN ended_at IS NOT NULL
  ELSE false END
""".strip()


def upgrade() -> None:
    _invite()
    _assignment()


def _invite() -> None:
    op.create_table(
        "invite",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("invited_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ticket", BigNumber, nullable=False),
        sa.CheckConstraint(_STATES, name=op.f("invite_states")),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("invite_pkey")),
    )
    op.create_index(
        "invite_pending",
        "invite",
        ["organization", "member"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "invite_lapsing",
        "invite",
        ["organization", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )


def _assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "member", name=op.f("assignment_pkey")),
    )

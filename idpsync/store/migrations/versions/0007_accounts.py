"""Accounts of the target as last known, and whether idpsync works there."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_account",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "account_id", name=op.f("known_account_pkey")),
    )
    op.create_table(
        "known_target",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=True),
        sa.Column("taken_over_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("organization", name=op.f("known_target_pkey")),
    )

"""What was asked for at the last read, who its groups were, and what a held plan is held for."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.types import Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cached_group", sa.Column("external_id", sa.Text(), nullable=True))
    op.add_column("cache_state", sa.Column("scope", sa.Text(), nullable=True))
    op.add_column("held_plan", sa.Column("limits", Json(), nullable=True))

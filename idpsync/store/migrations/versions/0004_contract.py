"""The contract, what was bought, and seats that change their tier by an upgrade."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.migrations.contract_guards import PER_ENGINE
from idpsync.store.types import Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


_LINES = """
quantity > 0 AND CASE what
  WHEN 'add' THEN upgraded_from IS NULL
  WHEN 'upgrade' THEN upgraded_from IS NOT NULL AND upgraded_from <> tier
  ELSE false END
""".strip()


def upgrade() -> None:
    _contract()
    _purchase()
    _purchase_line()
    for statement in PER_ENGINE[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def _contract() -> None:
    op.create_table(
        "contract",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("proration", sa.Text(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("prices", Json(), nullable=False),
        sa.Column("seats", Json(), nullable=False),
        sa.CheckConstraint("starts <= ends", name=op.f("contract_term")),
        sa.PrimaryKeyConstraint("organization", name=op.f("contract_pkey")),
    )


def _purchase() -> None:
    op.create_table(
        "purchase",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("term_ends", sa.Date(), nullable=False),
        sa.Column("proration", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("because", Json(), nullable=False),
        sa.Column("seats_after", Json(), nullable=False),
        sa.Column("applied_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization"], ["contract.organization"], name=op.f("purchase_contract_fkey")
        ),
        sa.PrimaryKeyConstraint("organization", "number", name=op.f("purchase_pkey")),
    )


def _purchase_line() -> None:
    op.create_table(
        "purchase_line",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("upgraded_from", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("periods", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.CheckConstraint(_LINES, name=op.f("purchase_line_lines")),
        sa.ForeignKeyConstraint(
            ["organization", "number"],
            ["purchase.organization", "purchase.number"],
            name=op.f("purchase_line_purchase_fkey"),
        ),
        sa.PrimaryKeyConstraint("organization", "number", "line", name=op.f("purchase_line_pkey")),
    )

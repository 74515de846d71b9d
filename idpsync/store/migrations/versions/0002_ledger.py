"""The ledger, its seals, runs and held plans."""

import sqlalchemy as sa
from alembic import op

from idpsync.store.migrations.ledger_guards import PER_ENGINE
from idpsync.store.types import BigNumber, Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _ledger()
    _ledger_seal()
    _run()
    _headroom()
    _job_slot()
    _held_plan()
    for statement in PER_ENGINE[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", BigNumber, autoincrement=True, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("ledger_pkey")),
    )
    op.create_index("ledger_member", "ledger", ["organization", "member", "seq"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ledger_order", "ledger", ["organization", "seq"], unique=False)


def _ledger_seal() -> None:
    op.create_table(
        "ledger_seal",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seq", BigNumber, nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("batch_sha", sa.Text(), nullable=False),
        sa.Column("prev_sha", sa.Text(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("sealed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "n", name=op.f("ledger_seal_pkey")),
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("problems", Json(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("run_pkey")),
    )
    op.create_index("run_started", "run", ["organization", "started_at"], unique=False)


def _headroom() -> None:
    op.create_table(
        "headroom",
        sa.Column("seq", BigNumber, autoincrement=True, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("purchased", sa.Integer(), nullable=False),
        sa.Column("assigned", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("headroom_pkey")),
    )
    op.create_index("headroom_at", "headroom", ["organization", "at"], unique=False)


def _job_slot() -> None:
    op.create_table(
        "job_slot",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "job", "slot", name=op.f("job_slot_pkey")),
    )


def _held_plan() -> None:
    op.create_table(
        "held_plan",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("held_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tripped", Json(), nullable=False),
        sa.Column("plan", Json(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "digest", name=op.f("held_plan_pkey")),
    )

"""Tables of the contract and of what was bought. Rows are only ever added (triggers, step 0004).

`purchase.applied_at` alone is set later, once: when the day of the purchase has come. Money and months
are exact, as decimal and fraction texts.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
)

from idpsync.store.schema import metadata
from idpsync.store.types import Instant, Json

LINES = """
quantity > 0 AND CASE what
  WHEN 'add' THEN upgraded_from IS NULL
  WHEN 'upgrade' THEN upgraded_from IS NOT NULL AND upgraded_from <> tier
  ELSE false END
""".strip()
"""What a line of each kind has."""

contract = Table(
    "contract",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("starts", Date, nullable=False),
    Column("ends", Date, nullable=False),
    Column("currency", Text, nullable=False),
    Column("proration", Text, nullable=False),
    Column("auto_renew", Boolean, nullable=False),
    Column("prices", Json, nullable=False),  # tier → decimal text, per seat and month
    Column("seats", Json, nullable=False),  # tier → seats that the contract began with
    CheckConstraint("starts <= ends", name="term"),
)

purchase = Table(
    "purchase",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("on_day", Date, nullable=False),
    Column("term_ends", Date, nullable=False),
    Column("proration", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("because", Json, nullable=False),
    Column("seats_after", Json, nullable=False),
    Column("applied_at", Instant),
    ForeignKeyConstraint(["organization"], ["contract.organization"]),
)

purchase_line = Table(
    "purchase_line",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("upgraded_from", Text),
    Column("quantity", Integer, nullable=False),
    Column("unit", Text),
    Column("periods", Text, nullable=False),
    Column("amount", Text),
    ForeignKeyConstraint(["organization", "number"], ["purchase.organization", "purchase.number"]),
    CheckConstraint(LINES, name="lines"),
)

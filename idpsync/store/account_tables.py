"""Tables of what is known of the target's accounts. One row belongs to one organisation."""

from sqlalchemy import Column, Table, Text

from idpsync.store.schema import metadata
from idpsync.store.types import Instant

known_account = Table(
    "known_account",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),  # or a member, while an account is in doubt
    Column("line", Text, nullable=False),
    Column("noted_at", Instant, nullable=False),
)

known_target = Table(
    "known_target",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("saved_at", Instant),
    Column("taken_over_at", Instant),
)

"""The ledger and its seals only grow (step 0002).

A table's owner can drop a trigger; where that matters, run the program under a role that does not own
the tables. The seals show a change in any case.
"""

from collections.abc import Mapping
from types import MappingProxyType

_TABLES = ("ledger", "ledger_seal")
_REFUSED = "the ledger only grows"

_SQLITE = tuple(
    f"""
    CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
    BEGIN SELECT raise(ABORT, '{_REFUSED}'); END
    """
    for table in _TABLES
    for verb in ("update", "delete")
)

_POSTGRESQL = tuple(
    f"""
    CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION idpsync_refuse('{_REFUSED}')
    """
    for table in _TABLES
)

PER_ENGINE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
)

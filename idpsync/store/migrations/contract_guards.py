"""What the database itself refuses of the contract, whoever writes to it (step 0004).

Contract and purchases are written once; of a purchase only `applied_at` is set later, once. A tier may
have fewer seats than before only where applied upgrades say so: afterwards every tier still has what
the contract and the applied purchases add up to (the seats upgraded to were made first, so the total
never falls), and no ordinary seat row stands above its number.
"""

from collections.abc import Mapping
from types import MappingProxyType

_ONCE = "contract and purchases are written once"
_SHRINKS = "a contract never shrinks"
_COLUMNS = (
    "organization, number, on_day, term_ends, proration, basis, currency, recorded_at, actor, because,"
    " seats_after"
)
_BEGAN_WITH = {
    "sqlite": "(SELECT value FROM json_each(k.seats) WHERE key = c.tier)",
    "postgresql": "CAST(CAST(k.seats AS json) ->> c.tier AS integer)",
}


def _falls_short(engine: str) -> str:
    """Whether some tier would have fewer seats than contract and applied purchases add up to."""
    return f"""
      NOT EXISTS (SELECT 1 FROM contract WHERE organization = NEW.organization)
      OR EXISTS (SELECT 1 FROM seat WHERE organization = NEW.organization AND tier = NEW.tier
                 AND NOT overdrawn AND seat_no > NEW.seats)
      OR EXISTS (
        SELECT 1 FROM capacity AS c JOIN contract AS k ON k.organization = c.organization
        WHERE c.organization = NEW.organization
          AND CASE WHEN c.tier = NEW.tier THEN NEW.seats ELSE c.seats END
            < coalesce({_BEGAN_WITH[engine]}, 0) + coalesce((
              SELECT sum(CASE c.tier WHEN l.tier THEN l.quantity ELSE -l.quantity END)
              FROM purchase_line AS l JOIN purchase AS p
                ON p.organization = l.organization AND p.number = l.number
              WHERE p.organization = c.organization AND p.applied_at IS NOT NULL
                AND (l.tier = c.tier OR l.upgraded_from = c.tier)), 0))
    """  # noqa: S608 - constants only


_SQLITE = (
    "DROP TRIGGER capacity_grows",
    f"""
    CREATE TRIGGER capacity_grows BEFORE UPDATE ON capacity
    WHEN NEW.organization <> OLD.organization OR NEW.tier <> OLD.tier
      OR (NEW.seats < OLD.seats AND ({_falls_short("sqlite")}))
    BEGIN SELECT raise(ABORT, '{_SHRINKS}'); END
    """,
    f"""
    CREATE TRIGGER contract_stays BEFORE UPDATE ON contract
    BEGIN SELECT raise(ABORT, '{_ONCE}'); END
    """,
    f"""
    CREATE TRIGGER purchase_stays BEFORE UPDATE OF {_COLUMNS} ON purchase
    BEGIN SELECT raise(ABORT, '{_ONCE}'); END
    """,
    f"""
    CREATE TRIGGER purchase_counts_once BEFORE UPDATE OF applied_at ON purchase
    WHEN OLD.applied_at IS NOT NULL OR NEW.applied_at IS NULL
    BEGIN SELECT raise(ABORT, '{_ONCE}'); END
    """,
    f"""
    CREATE TRIGGER purchase_line_stays BEFORE UPDATE ON purchase_line
    BEGIN SELECT raise(ABORT, '{_ONCE}'); END
    """,
    """
    CREATE TRIGGER purchase_line_in_time BEFORE INSERT ON purchase_line
    WHEN EXISTS (SELECT 1 FROM purchase WHERE organization = NEW.organization
                 AND number = NEW.number AND applied_at IS NOT NULL)
    BEGIN SELECT raise(ABORT, 'a purchase that counts gets no more lines'); END
    """,
    *(
        f"""
        CREATE TRIGGER {table}_is_kept BEFORE DELETE ON {table}
        BEGIN SELECT raise(ABORT, '{_ONCE}'); END
        """
        for table in ("contract", "purchase", "purchase_line")
    ),
)

_POSTGRESQL = (
    "DROP TRIGGER capacity_grows ON capacity",
    f"""
    CREATE FUNCTION idpsync_capacity_shrinks() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF {_falls_short("postgresql")} THEN
        RAISE EXCEPTION '{_SHRINKS}' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    f"""
    CREATE TRIGGER capacity_grows BEFORE UPDATE ON capacity FOR EACH ROW
    WHEN (NEW.organization <> OLD.organization OR NEW.tier <> OLD.tier)
    EXECUTE FUNCTION idpsync_refuse('{_SHRINKS}')
    """,
    """
    CREATE TRIGGER capacity_shrinks BEFORE UPDATE ON capacity FOR EACH ROW
    WHEN (NEW.seats < OLD.seats) EXECUTE FUNCTION idpsync_capacity_shrinks()
    """,
    f"""
    CREATE TRIGGER purchase_stays BEFORE UPDATE OF {_COLUMNS} ON purchase
    FOR EACH ROW EXECUTE FUNCTION idpsync_refuse('{_ONCE}')
    """,
    f"""
    CREATE TRIGGER purchase_counts_once BEFORE UPDATE OF applied_at ON purchase FOR EACH ROW
    WHEN (OLD.applied_at IS NOT NULL OR NEW.applied_at IS NULL)
    EXECUTE FUNCTION idpsync_refuse('{_ONCE}')
    """,
    """
    CREATE FUNCTION idpsync_line_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM purchase WHERE organization = NEW.organization
                 AND number = NEW.number AND applied_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a purchase that counts gets no more lines' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER purchase_line_in_time BEFORE INSERT ON purchase_line
    FOR EACH ROW EXECUTE FUNCTION idpsync_line_in_time()
    """,
    *(
        f"""
        CREATE TRIGGER {table}_is_kept BEFORE {verbs} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION idpsync_refuse('{_ONCE}')
        """
        for table, verbs in (
            ("contract", "UPDATE OR DELETE OR TRUNCATE"),
            ("purchase", "DELETE OR TRUNCATE"),
            ("purchase_line", "UPDATE OR DELETE OR TRUNCATE"),
        )
    ),
)

PER_ENGINE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
)

"""What the database itself refuses of seats, whoever writes to it (step 0001)."""

from collections.abc import Mapping
from types import MappingProxyType

_SQLITE = (
    """
    CREATE TRIGGER seat_within_contract BEFORE INSERT ON seat
    WHEN (NOT NEW.overdrawn AND NEW.seat_no > coalesce((
            SELECT seats FROM capacity WHERE organization = NEW.organization AND tier = NEW.tier), 0))
      OR (NEW.overdrawn AND NEW.state <> 'claimed')
    BEGIN SELECT raise(ABORT, 'no seat beyond the contract'); END
    """,
    """
    CREATE TRIGGER seat_keeps_number BEFORE UPDATE OF organization, tier, seat_no, overdrawn ON seat
    BEGIN SELECT raise(ABORT, 'a seat keeps its number'); END
    """,
    """
    CREATE TRIGGER capacity_grows BEFORE UPDATE ON capacity
    WHEN NEW.seats < OLD.seats OR NEW.organization <> OLD.organization OR NEW.tier <> OLD.tier
    BEGIN SELECT raise(ABORT, 'a contract never shrinks'); END
    """,
    """
    CREATE TRIGGER capacity_stays BEFORE DELETE ON capacity
    BEGIN SELECT raise(ABORT, 'a contract never shrinks'); END
    """,
)

_POSTGRESQL = (
    """
    CREATE FUNCTION idpsync_seat_within_contract() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.overdrawn THEN
        IF NEW.state <> 'claimed' THEN
          RAISE EXCEPTION 'no seat beyond the contract' USING ERRCODE = 'check_violation';
        END IF;
      ELSIF NEW.seat_no > coalesce((
          SELECT seats FROM capacity
          WHERE organization = NEW.organization AND tier = NEW.tier), 0) THEN
        RAISE EXCEPTION 'no seat beyond the contract' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER seat_within_contract BEFORE INSERT ON seat
    FOR EACH ROW EXECUTE FUNCTION idpsync_seat_within_contract()
    """,
    """
    CREATE FUNCTION idpsync_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation';
    END $$
    """,
    """
    CREATE TRIGGER seat_keeps_number BEFORE UPDATE OF organization, tier, seat_no, overdrawn ON seat
    FOR EACH ROW EXECUTE FUNCTION idpsync_refuse('a seat keeps its number')
    """,
    """
    CREATE TRIGGER capacity_grows BEFORE UPDATE ON capacity FOR EACH ROW
    WHEN (NEW.seats < OLD.seats OR NEW.organization <> OLD.organization OR NEW.tier <> OLD.tier)
    EXECUTE FUNCTION idpsync_refuse('a contract never shrinks')
    """,
    """
    CREATE TRIGGER capacity_stays BEFORE DELETE ON capacity
    FOR EACH ROW EXECUTE FUNCTION idpsync_refuse('a contract never shrinks')
    """,
)

PER_ENGINE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
)

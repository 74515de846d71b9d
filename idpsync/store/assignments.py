"""Tiers given by hand."""

from collections.abc import Mapping

from idpsync.core.membership import Assignment, under_present_names
from idpsync.core.records import Cause
from idpsync.core.seats import Ladder
from idpsync.store.database import Database
from idpsync.store.ledger import Scribe
from idpsync.store.membership_rows import AssignmentRows


class SqlAssignments:
    """`Assignments` on one store."""

    def __init__(self, database: Database, ladder: Ladder) -> None:
        self._database, self._ladder = database, ladder

    def all(self) -> Mapping[str, Assignment]:
        with self._database.reading() as connection:
            return AssignmentRows(self._database, connection, self._ladder).all()

    def put(self, assignment: Assignment, cause: Cause, *others: Assignment) -> None:
        with self._database.writing(cause) as connection:
            rows = AssignmentRows(self._database, connection, self._ladder)
            scribe = Scribe(self._database, connection, cause)
            for given in sorted((assignment, *others), key=lambda one: one.member):
                if rows.put(given):
                    facts = {"tier": given.tier.name if given.tier else None, "by": given.by}
                    scribe.note("member.assigned", given.member, detail=facts)
            scribe.write()

    def drop(self, member: str, cause: Cause) -> None:
        with self._database.writing(cause) as connection:
            if AssignmentRows(self._database, connection, self._ladder).drop(member):
                scribe = Scribe(self._database, connection, cause)
                scribe.note("member.unassigned", member)
                scribe.write()

    def follow(self, names: Mapping[str, str], cause: Cause) -> None:
        if self._followed(self.all(), names):
            return
        with self._database.writing(cause) as connection:
            rows = AssignmentRows(self._database, connection, self._ladder)
            given = rows.all()
            present = under_present_names(given.values(), names)
            scribe = Scribe(self._database, connection, cause)
            for one in given.values():
                member = names.get(one.account_id or "", one.member)
                if member != one.member:
                    rows.drop(one.member)
                    scribe.note("member.renamed", member, detail={"from": one.member})
            for one in present.values():
                rows.put(one)
            scribe.write()

    def _followed(self, given: Mapping[str, Assignment], names: Mapping[str, str]) -> bool:
        return under_present_names(given.values(), names) == given

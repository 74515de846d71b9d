"""Who is at Claude, whom a group will bring, and whom we let go: one listing of three places."""

import threading
from collections.abc import Callable, Mapping

from idpsync.core.errors import Malformed, NotFound
from idpsync.core.model import Account, DirectoryUser, Profile, Standing, fold
from idpsync.core.seats import Tier
from idpsync.targets.claude_api import SYSTEM, ClaudeApi
from idpsync.targets.claude_people import Roll, Row, account_of, address, stranger
from idpsync.targets.claude_setting import Setting
from idpsync.targets.claude_shelf import AddressedShelf
from idpsync.targets.claude_tiers import SeatTiers


class Roster:
    """Reads Claude, the shelf and the seat groups; remembers who was listed, for the writes to come."""

    def __init__(
        self,
        api: ClaudeApi,
        setting: Setting,
        tiers: SeatTiers,
        shelf: AddressedShelf,
        people: Callable[[], Mapping[str, DirectoryUser]],
    ) -> None:
        self._api, self.setting, self.tiers = api, setting, tiers
        self._shelf, self._people = shelf, people
        self._lock = threading.Lock()
        self._roll: Roll | None = None

    @property
    def listed(self) -> bool:
        """Whether everybody was listed once."""
        return self._roll is not None

    def accounts(self) -> tuple[Account, ...]:
        """Members, pending invites, and whom a group will bring; those we let go as deactivated."""
        self.setting.forget()
        roll = self._listed()
        grouped = dict(self.tiers.refresh(self.organization_id))
        rows = {fold(row.email): row for row in roll.all()}
        found: list[Account | None] = []
        for record in sorted(self._shelf.all(), key=_is_let_go):  # an address is theirs who are here
            row = rows.pop(address(record.profile), None)
            tier = grouped.pop(record.external_id or "", None)
            found.append(self._account(record, row, tier))
        ids = self._ids_by_address() if rows else {}
        for key, row in rows.items():
            tier = grouped.pop(ids.get(key, ""), None)
            found.append(self._stranger(row, tier))
        found += self._brought(grouped)
        return tuple(account for account in found if account)

    def find(self, user_name: str) -> Account | None:
        record = self._shelf.find(user_name)
        email = address(record.profile) if record else fold(user_name)
        row = self.look_up(email)
        row = self.theirs(record, row) if record else row
        self.tiers.look(row, self.organization_id)
        if record is None and row is not None:
            key = self._ids_by_address().get(email)
            return self._stranger(row, self.tiers.by_group(key))
        if record is None:
            return next((one for one in self._brought_now() if one.member == fold(user_name)), None)
        return self._account(record, row, self.tiers.by_group(record.external_id))

    def seats_taken(self) -> int:
        """Counted now: members and pending invites, but for those who are known to have no seat."""
        truths = [self.tiers.truth(row) for row in self._read().all()]
        return sum(truth is None or truth.tier is not None for truth in truths)

    def _read(self) -> Roll:
        # invites first: who accepts one meanwhile is seen as both, and counts once
        invitations = self._api.invitations()
        return Roll(self._api.members(), invitations)

    def _listed(self) -> Roll:
        roll = self._read()
        if not roll.has_primary_owner():
            reason = "no primary owner is among the members, and every organisation has one"
            raise Malformed(SYSTEM, "list members", reason)
        with self._lock:
            self._roll = roll
        return roll

    def _account(self, record: Account, row: Row | None, grouped: Tier | None) -> Account | None:
        mode = self.setting.mode()
        return account_of(record, row, self.tiers.of(record, row, grouped, mode=mode), mode)

    def _stranger(self, row: Row, grouped: Tier | None) -> Account | None:
        """A member or an invite that idpsync has not marked."""
        tier = self.tiers.of_stranger(row, grouped)
        return account_of(stranger(row), row, tier, self.setting.mode())

    def _brought(self, grouped: Mapping[str, Tier]) -> list[Account | None]:
        """People in a group whom somebody else put there, and who have not come yet."""
        people = self._people() if grouped else {}
        return [
            self._account(_in_group(key, people.get(key)), None, tier)
            for key, tier in sorted(grouped.items())
        ]

    def _brought_now(self) -> list[Account]:
        ours = {record.external_id for record in self._shelf.all()}
        others = {key: tier for key, tier in self.tiers.grouped_now().items() if key not in ours}
        return [account for account in self._brought(others) if account]

    def _ids_by_address(self) -> Mapping[str, str]:
        return {address(user.profile): key for key, user in self._people().items()}

    def look_up(self, email: str) -> Row | None:
        """The member or the pending invite with this address, as it is now; None for no address."""
        if "@" not in email:
            return None
        row: Row | None = self._api.member_called(email) or self._api.invitation_to(email)
        self.note(email, row)
        return row

    def theirs(self, record: Account, row: Row | None) -> Row | None:
        """`row`, unless the address of somebody we let go is another person's by now."""
        if row is not None and _is_let_go(record) and self._shelf.other_at(record):
            return None
        return row

    def note(self, email: str, row: Row | None) -> None:
        with self._lock:
            if self._roll:
                self._roll.put(email, row)

    def row_of(self, email: str) -> Row | None:
        """As last listed, and as written since; looked up where nothing was listed."""
        with self._lock:
            roll = self._roll
        return roll.of(email) if roll else self.look_up(email)

    def organization_id(self) -> str:
        return self.setting.organization().id

    def row_with_id(self, identifier: str) -> Row | None:
        with self._lock:
            listed = self._roll.with_id(identifier) if self._roll else None
        if listed:
            return listed
        try:
            return self._api.member(identifier)
        except NotFound:
            pass
        try:
            return self._api.invitation(identifier)
        except NotFound:
            return None


def _is_let_go(record: Account) -> bool:
    return record.standing is Standing.DEACTIVATED


def _in_group(external_id: str, user: DirectoryUser | None) -> Account:
    profile = user.profile if user else Profile(external_id)
    return Account(external_id, profile, Standing.ACTIVE, external_id=external_id)

"""A Claude Enterprise organisation as a target, through its Admin API and the groups of the directory.

The API neither reads nor sets anybody's seat tier: a tier follows from the group of the directory that
Claude maps to it. Who may be invited, removed or given a role depends on the provisioning mode; what the
API refuses is done by the groups, or refused here with what to do in the console.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from idpsync.core.books import AccountShelf
from idpsync.core.errors import Conflict, NotFound, RemoteError, UnknownOutcome
from idpsync.core.model import Account, DirectoryUser, Standing
from idpsync.core.plan import (
    Action,
    ChangeRoles,
    ChangeTier,
    CreateAccount,
    DeactivateAccount,
    DeleteAccount,
    ReactivateAccount,
    UpdateProfile,
)
from idpsync.core.ports import Clock
from idpsync.core.records import Health
from idpsync.core.seats import Ladder, Tier
from idpsync.pace import Timer
from idpsync.targets.attributes import TierValues
from idpsync.targets.claude_api import SYSTEM, ClaudeApi, Invitation, Member
from idpsync.targets.claude_feed import SeatFeed
from idpsync.targets.claude_modes import Mode
from idpsync.targets.claude_movement import Movement
from idpsync.targets.claude_people import (
    GIVEN,
    MANAGED,
    Row,
    account_of,
    address,
    placed_at,
    role_of,
    stranger,
    untouchable,
)
from idpsync.targets.claude_probe import probe
from idpsync.targets.claude_refusals import Refusals
from idpsync.targets.claude_roster import Roster
from idpsync.targets.claude_setting import Setting
from idpsync.targets.claude_shelf import AddressedShelf
from idpsync.targets.claude_tiers import SeatTiers
from idpsync.targets.kinds import ClaudeConfig
from idpsync.targets.seat_groups import SeatGroups

Person = ReactivateAccount | UpdateProfile | ChangeTier | ChangeRoles | DeactivateAccount | DeleteAccount


class ClaudeTarget:
    """Accounts of one organisation; safe for use by several threads, one action per person at a time.

    The shelf keeps what Claude does not: whose an account is, how the directory writes the name, and
    whom we let go. The group is written first, Claude next, the shelf last: what a crash leaves between
    them is shown once everybody is listed anew, and every write may be made again.
    """

    name = "claude"
    kind = "claude"

    def __init__(
        self, api: ClaudeApi, roster: Roster, groups: SeatGroups, shelf: AddressedShelf, clock: Clock
    ) -> None:
        self._api, self._roster, self._groups, self._shelf = api, roster, groups, shelf
        self._setting, self._tiers, self._clock = roster.setting, roster.tiers, clock
        self._movement = Movement(api, roster)

    def accounts(self) -> tuple[Account, ...]:
        """Members, pending invites, and whom a group will bring; those we let go as deactivated."""
        return self._roster.accounts()

    def find(self, user_name: str) -> Account | None:
        return self._roster.find(user_name)

    def probe(self) -> Health:
        return probe(self._api, self._setting, self._groups, self._clock.now().date())

    # --- writing ----------------------------------------------------------------------------------

    def apply(self, action: Action) -> Account:
        """As every target. Refused says what a person has to do in the console, or in the directory."""
        match action:
            case CreateAccount():
                return self._create(action)
            case ReactivateAccount():
                record, row = self._present(action, "reactivate account")
                return self._bring(self._wished(record, action), row, action)
            case UpdateProfile():
                return self._update(action)
            case ChangeTier():
                return self._change_tier(action)
            case ChangeRoles():
                return self._change_roles(action)
            case DeactivateAccount():
                return self._let_go(action)
            case DeleteAccount():
                return self._delete(action)
            case _:
                assert_never(action)

    def _create(self, action: CreateAccount) -> Account:
        record = self._shelf.find(action.profile.user_name)
        if record and (record.external_id or "") not in ("", action.external_id):
            reason = f"{record.user_name} is another person's"
            raise Conflict(SYSTEM, "create account", reason, "uniqueness")
        row = self._roster.row_of(address(action.profile))
        blank = record or Account("", action.profile, Standing.ACTIVE)
        return self._bring(self._wished(blank, action), row, action)

    def _wished(self, record: Account, action: CreateAccount | ReactivateAccount) -> Account:
        return replace(
            record,
            profile=action.profile,
            standing=Standing.ACTIVE,
            tier=action.tier,
            external_id=action.external_id or record.external_id or None,
            roles=action.roles,
        )

    def _bring(
        self, record: Account, row: Row | None, action: CreateAccount | ReactivateAccount
    ) -> Account:
        """Into the group, and invited where people come by invites and are not there now."""
        refuse = Refusals(record, "bring member in")
        if other := self._shelf.other_at(record):
            raise refuse.anothers_address(other)
        if row is not None and self._roster.listed:  # somebody may have removed them since
            row = self._roster.look_up(row.email)
        mode = self._setting.mode_for(refuse.operation)
        if record.tier is None and (row is None or untouchable(row)):
            raise refuse.nobody_comes_without_a_seat(mode)
        if not mode.invites and not record.external_id:
            raise refuse.without_an_id()
        if mode.invites and "@" not in address(record.profile):
            raise refuse.without_an_address()
        self._place(record)
        if not mode.invites or row is not None:
            known = row.id if row else record.external_id or ""
            return self._kept(replace(record, id=record.id or known), row)
        try:
            row = self._movement.invite(record, MANAGED if MANAGED in action.roles else "user")
        except UnknownOutcome:
            raise
        except RemoteError:
            self._take_out(record)
            raise
        return self._kept(replace(record, id=record.id or row.id), row)

    def _place(self, record: Account) -> None:
        if record.external_id:
            self._groups.place(record.external_id, record.tier)

    def _take_out(self, record: Account) -> None:
        if record.external_id:
            self._groups.place(record.external_id, None)

    def _kept(self, record: Account, row: Row | None) -> Account:
        """The account as it is now that its group was written, and put onto the shelf."""
        record = replace(record, version=self._clock.now().isoformat())
        self._shelf.put(record)
        return self._shown(record, row)

    def _shown(self, record: Account, row: Row | None) -> Account:
        mode = self._setting.mode()
        self._tiers.look(row, self._roster.organization_id)
        tier = self._tiers.of(record, row, record.tier, mode=mode)
        shown = account_of(record, row, tier, mode)
        return shown or replace(record, standing=Standing.DEACTIVATED, tier=None, version=None)

    def _present(self, action: Person, operation: str) -> tuple[Account, Row | None]:
        """Our record of the account, with the tier it has, and who they are at Claude as last listed."""
        return self._found(action, operation, self._roster.row_of)

    def _present_now(self, action: Person, operation: str) -> tuple[Account, Row | None]:
        """Looked up: since the listing somebody may have come, or been made an owner in the console."""
        return self._found(action, operation, self._roster.look_up)

    def _found(
        self, action: Person, operation: str, ask: Callable[[str], Row | None]
    ) -> tuple[Account, Row | None]:
        record = self._shelf.get(action.account_id)
        if record is None and self._tiers.by_group(action.account_id):
            key = action.account_id
            record = Account(key, action.profile, Standing.ACTIVE, external_id=key)
        elif record is None and (listed := self._roster.row_with_id(action.account_id)):
            record = stranger(listed)
        if record is None:
            raise NotFound(SYSTEM, operation, f"there is no account {action.account_id}")
        row = self._roster.theirs(record, ask(address(record.profile)))
        record = replace(record, external_id=record.external_id or action.external_id or None)
        self._tiers.look(row, self._roster.organization_id)
        grouped = self._tiers.by_group(record.external_id)
        tier = self._tiers.of(record, row, grouped, mode=self._setting.mode())
        return replace(record, tier=tier), row

    # --- what changes about somebody --------------------------------------------------------------

    def _update(self, action: UpdateProfile) -> Account:
        """Names are our shelf's; an address is who somebody is at Claude, and cannot change there."""
        record, row = self._present(action, "update profile")
        email = address(action.profile)
        if email != address(record.profile):
            if other := self._shelf.other_at(replace(record, profile=action.profile)):
                raise Refusals(record, "update profile").anothers_address(other)
            old, row = row, self._roster.look_up(email)
            if old is not None and row is None:
                mode = self._setting.mode_for("update profile")
                if not mode.syncs:  # directory sync takes the new one in and the old one out
                    raise Refusals(record, "update profile").another_address(email)
        kept = replace(
            record,
            profile=action.profile,
            external_id=action.external_id or record.external_id,
        )
        self._shelf.put(kept)
        return self._shown(kept, row)

    def _change_tier(self, action: ChangeTier) -> Account:
        seen = self._present_now if action.tier is None else self._present
        record, row = seen(action, "change seat")
        refuse = Refusals(record, "change seat")
        mode = self._setting.mode_for(refuse.operation)
        if account_of(record, row, record.tier, mode) is None:
            raise NotFound(SYSTEM, refuse.operation, f"{record.user_name} is no member any more")
        if action.tier is None and untouchable(row):
            raise refuse.untouchable(row)
        if not mode.invites and not record.external_id:
            raise refuse.without_an_id()
        if not mode.maps and not self._may_note(record, row, action.tier, mode):
            raise refuse.tier_by_hand(action.tier, self._groups)
        wanted = replace(record, tier=action.tier)
        self._place(wanted)
        return self._kept(wanted, row)

    def _may_note(self, record: Account, row: Row | None, tier: Tier | None, mode: Mode) -> bool:
        """Where Claude takes no tiers from groups: whether writing one tells no lie."""
        if record.tier == tier or (row is None and not mode.invites):
            return True
        return self._tiers.truth(row) is None and record.tier is None

    def _change_roles(self, action: ChangeRoles) -> Account:
        record, row = self._present(action, "change roles")
        withdrawn = action.previous_roles - action.roles
        if row is None:  # what they shall be once they have come
            record = replace(record, roles=(record.roles - withdrawn) | action.roles)
            self._shelf.put(record)
            return self._shown(record, None)
        refuse, held = Refusals(record, "change roles"), role_of(row)
        gained = action.roles - {held}
        if not gained and held not in withdrawn:
            return self._shown(record, row)
        if untouchable(row):
            raise refuse.untouchable(row)
        if beyond := gained - GIVEN:
            raise refuse.roles_by_hand(beyond)
        if not isinstance(row, Member):
            raise refuse.invited_with_another_role(row)
        mode = self._setting.mode_for(refuse.operation)
        if not mode.changes_roles:
            raise refuse.roles_by_mapping()
        wanted = MANAGED if MANAGED in gained else "user"
        row = row if held == wanted else self._api.change_role(row.id, wanted)
        self._roster.note(row.email, row)
        return self._shown(record, row)

    # --- leaving ----------------------------------------------------------------------------------

    def _let_go(self, action: DeactivateAccount | DeleteAccount) -> Account:
        """Out of the groups first: who is removed alone comes back with the next login."""
        record, row = self._present_now(action, "remove member")
        refuse = Refusals(record, "remove member")
        if untouchable(row):
            raise refuse.untouchable(row)
        mode = self._setting.mode_for(refuse.operation)
        off = record.standing is Standing.DEACTIVATED
        if mode.syncs and isinstance(row, Member) and not off:
            if not record.external_id:
                raise refuse.without_an_id()
            if not placed_at(record) and self._tiers.by_group(record.external_id) is None:
                raise refuse.not_by_our_groups(self._groups)
        self._take_out(record)
        if isinstance(row, Invitation):
            row = self._movement.withdraw(row)
        if isinstance(row, Member) and mode.removes:
            self._movement.remove(row)
            row = None
        self._roster.note(address(record.profile), row)
        return self._kept(replace(record, standing=Standing.DEACTIVATED, tier=None), row)

    def _delete(self, action: DeleteAccount) -> Account:
        try:
            last = self._let_go(action)
        except NotFound:
            return Account(action.account_id, action.profile, Standing.DEACTIVATED)
        self._shelf.remove(action.account_id)
        return last


def build_claude(
    config: ClaudeConfig,
    groups: SeatGroups,
    *,
    clock: Clock,
    ladder: Ladder,
    shelf: AccountShelf,
    people: Callable[[], Mapping[str, DirectoryUser]],
    purchased: Callable[[], int],
    timer: Timer | None = None,
) -> ClaudeTarget:
    """The target that `config` describes, over the seat `groups` of the directory.

    `purchased` is how many seats the contract has by now, of all tiers.
    """
    api = ClaudeApi(
        config.url,
        config.api_key,
        version=config.api_version,
        clock=clock,
        rate=config.rate,
        timer=timer,
        ca_file=config.ca_file,
    )
    mode = Mode(config.provisioning_mode) if config.provisioning_mode else None
    values = TierValues(ladder, config.tier_values)
    named = config.unknown_tier
    unknown = ladder.named(named) if named else ladder.tiers[0] if len(ladder.tiers) == 1 else None
    tiers = SeatTiers(groups, SeatFeed(api), values, clock, unknown)
    addressed = AddressedShelf(shelf, clock)
    roster = Roster(api, Setting(api, mode, purchased), tiers, addressed, people)
    return ClaudeTarget(api, roster, groups, addressed, clock)

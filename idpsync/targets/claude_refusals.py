"""What cannot be done at Claude, in sentences that say who can."""

from collections.abc import Iterable

from idpsync.core.errors import Conflict, Refused, SeatsExhausted
from idpsync.core.model import Account
from idpsync.core.seats import Tier
from idpsync.targets.claude_api import SYSTEM
from idpsync.targets.claude_errors import Uncoded
from idpsync.targets.claude_modes import CONSOLE, SETTINGS, Mode
from idpsync.targets.claude_people import Row, address, role_of
from idpsync.targets.seat_groups import SeatGroups


class Refusals:
    """Why `operation` is not done for one person; every verb gives the error to raise."""

    def __init__(self, account: Account, operation: str) -> None:
        self._who, self.operation = account.user_name, operation

    def untouchable(self, row: Row | None) -> Refused:
        role = role_of(row).replace("_", " ") if row else "owner"
        return self._no(
            f"{self._who} is {role} at Claude, and the Admin API touches only people with the role "
            f"user or managed: somebody with the rights does it in {CONSOLE}"
        )

    def nobody_comes_without_a_seat(self, mode: Mode) -> Refused:
        how = "an invite takes a seat always" if mode.invites else "only a seat group brings people in"
        return self._no(
            f"{self._who} has no tier, and {how}: give them a tier by a rule or with `idpsync members "
            f"assign`, or add them in {CONSOLE} and choose 'No seat assigned'"
        )

    def without_an_id(self) -> Refused:
        return self._no(
            f"{self._who} has no id in the directory, and in this provisioning mode people come and "
            "go by groups of the directory: add them to it, or take their assignment away there"
        )

    def without_an_address(self) -> Refused:
        return self._no(
            f"{self._who} has no e-mail address in the directory, and Claude invites people by it: give "
            "them one there"
        )

    def another_address(self, email: str) -> Refused:
        return self._no(
            f"Claude knows {self._who} by their address, and the Admin API cannot change it to {email}: "
            f"let them in under the new one in {CONSOLE}, and remove the old member when their work "
            "is moved"
        )

    def anothers_address(self, holder: Account) -> Conflict:
        reason = (
            f"{self._who} would have the address {address(holder.profile)}, by which Claude knows "
            f"{holder.user_name}: correct one of the two in the directory; once {holder.user_name} is "
            "deactivated here the address is free"
        )
        return Conflict(SYSTEM, self.operation, reason, "uniqueness")

    def tier_by_hand(self, tier: Tier | None, groups: SeatGroups) -> Refused:
        wanted = f"the {tier} tier" if tier else "'No seat assigned'"
        group = f"in group '{groups.name_of(tier)}'" if tier else f"in none of {_quoted(groups.names)}"
        return self._no(
            "in this provisioning mode Claude takes no tiers from groups: choose "
            f"{wanted} for {self._who} in {CONSOLE}, and put them {group} of the directory, which tells "
            "idpsync; or turn group mappings on in "
            f"{SETTINGS}"
        )

    def roles_by_hand(self, roles: Iterable[str]) -> Refused:
        listed = ", ".join(sorted(roles))
        return self._no(
            f"the Admin API gives nobody the role {listed}, only user and managed: give it to "
            f"{self._who} in {CONSOLE}, or map a group to it in {SETTINGS}"
        )

    def roles_by_mapping(self) -> Refused:
        return self._no(
            f"in this provisioning mode the role of {self._who} follows from the groups that {SETTINGS} "
            "maps to roles: change the group"
        )

    def invited_with_another_role(self, row: Row) -> Refused:
        return self._no(
            f"{self._who} is invited as {role_of(row)}, and an invite does not change: wait until they "
            f"have come, or withdraw it in {CONSOLE}"
        )

    def not_by_our_groups(self, groups: SeatGroups) -> Refused:
        return self._no(
            f"{self._who} is a member and in none of {_quoted(groups.names)}: something else in the "
            "identity provider assigns them to Claude, and directory sync removes them only when that "
            "assignment is taken away there"
        )

    def other_mode(self, enforced: Mode) -> Refused:
        return self._no(
            f"the organisation is in provisioning mode {enforced}, in which Claude refuses invites: "
            "correct target.provisioning_mode"
        )

    def no_seat(self, error: Uncoded) -> SeatsExhausted:
        return SeatsExhausted(
            SYSTEM,
            self.operation,
            f"Claude refuses the invite of {self._who} without a code, which it does when no seat of "
            f"any tier is free: free one or buy one in {CONSOLE}. It said: {error.reason}",
        )

    def unexplained(self, error: Uncoded, taken: int, purchased: int) -> Refused:
        return self._no(
            f"Claude refuses the invite of {self._who} without a code, and by our count {taken} of "
            f"{purchased} seats are taken: look whether their address is right, and whether `contract` "
            f"says what was bought; {CONSOLE} tells why it refuses. It said: {error.reason}"
        )

    def _no(self, reason: str) -> Refused:
        return Refused(SYSTEM, self.operation, reason)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

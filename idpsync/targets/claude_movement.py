"""Coming by invites and being removed, where the provisioning mode lets the Admin API do either."""

from idpsync.core.errors import RemoteError, UnknownOutcome
from idpsync.core.model import Account, fold
from idpsync.targets.claude_api import ClaudeApi, Invitation, Member
from idpsync.targets.claude_errors import Present, Uncoded
from idpsync.targets.claude_people import Row
from idpsync.targets.claude_refusals import Refusals
from idpsync.targets.claude_roster import Roster


class Movement:
    """Both ways end in the same state when they are gone twice."""

    def __init__(self, api: ClaudeApi, roster: Roster) -> None:
        self._api, self._roster = api, roster

    def invite(self, account: Account, role: str) -> Row:
        """The invite, new or found; the member where they have come already.

        SeatsExhausted where Claude refuses without a code, no other mode than ours explains it, and by
        our own count every seat is taken.
        """
        email = account.profile.email or account.profile.user_name
        try:
            row: Row = self._api.invite(email, role)
        except UnknownOutcome as unknown:
            return self._found_after(unknown, email)
        except Present:
            found = self._roster.look_up(email)
            if found is None:
                raise
            return found
        except Uncoded as error:
            raise self._explained(account, error) from error
        self._roster.note(email, row)
        return row

    def withdraw(self, invitation: Invitation) -> Member | None:
        """Who has come by the invite before it could be withdrawn: they are still to be removed."""
        refused: Uncoded | None = None
        try:
            if self._api.withdraw(invitation.id):
                return None
        except Uncoded as error:
            refused = error
        now = self._roster.look_up(fold(invitation.email))
        if isinstance(now, Invitation):
            if refused:
                raise refused
            self._api.withdraw(now.id)  # it was withdrawn and sent anew
            return None
        return now

    def remove(self, member: Member) -> None:
        """Also where they have left and come back since they were listed: under another id."""
        if self._api.remove(member.id):
            return
        now = self._roster.look_up(fold(member.email))
        if isinstance(now, Member):
            self._api.remove(now.id)

    def _explained(self, account: Account, error: Uncoded) -> RemoteError:
        """Why an invite was refused without a code, by elimination."""
        setting, refuse = self._roster.setting, Refusals(account, "invite member")
        enforced = setting.enforced()
        if enforced is not None and not enforced.invites:
            return refuse.other_mode(enforced)
        taken, purchased = self._roster.seats_taken(), setting.purchased()
        if taken < purchased:
            return refuse.unexplained(error, taken, purchased)
        return refuse.no_seat(error)

    def _found_after(self, unknown: UnknownOutcome, email: str) -> Row:
        """What an invite without an answer left; the outcome stays unknown where nothing is seen."""
        try:
            found = self._roster.look_up(email)
        except RemoteError:
            raise unknown from None
        if found is None:
            raise unknown
        return found

"""A courier that keeps what it was given, and fails when it is told to."""

from dataclasses import dataclass, field

from idpsync.core.errors import Refused, RemoteError, UnknownOutcome
from idpsync.core.membership import Invite
from idpsync.mailbox import mailbox

SYSTEM, OPERATION = "mail server fake", "send invitation"


@dataclass
class FakeCourier:
    """`letters` holds (invite, language as en or pt-BR) of everything that arrived.

    `error` is raised instead of sending; with UnknownOutcome the letter arrives all the same.
    """

    error: type[RemoteError] | None = None
    language: str = "en"
    letters: list[tuple[Invite, str]] = field(default_factory=list)

    def invite(self, invite: Invite, language: str) -> None:
        try:
            mailbox(invite.email)
        except ValueError as problem:
            raise Refused(SYSTEM, OPERATION, str(problem)) from None
        if self.error is None or issubclass(self.error, UnknownOutcome):
            self.letters.append((invite, self._spoken(language)))
        if self.error is not None:
            raise self.error(SYSTEM, OPERATION, "as it was told to")

    @property
    def invited(self) -> list[str]:
        """The addresses, in order."""
        return [invite.email for invite, _ in self.letters]

    def _spoken(self, language: str) -> str:
        return {"en": "en", "pt": "pt-BR"}.get(language[:2], self.language)

"""Which organisation a key belongs to, how people come into it, and how many seats it has."""

import threading
from collections.abc import Callable

from idpsync.core.errors import NotFound, Refused
from idpsync.targets.claude_api import SYSTEM, ClaudeApi, Organization
from idpsync.targets.claude_errors import MissingScope
from idpsync.targets.claude_modes import SETTINGS, Mode

UNKNOWN = (
    "the provisioning mode of the organisation is not known, and what may be written depends on it: set "
    f"target.provisioning_mode to what {SETTINGS} shows, or use a key with read:compliance_org_data"
)


class Setting:
    """The organisation, and its mode: as configured, else as Claude's compliance settings tell it.

    `purchased` is how many seats our contract has, of all tiers: Claude does not tell.
    """

    def __init__(self, api: ClaudeApi, configured: Mode | None, purchased: Callable[[], int]) -> None:
        self.purchased = purchased
        self._api, self._configured = api, configured
        self._lock = threading.Lock()
        self._organization: Organization | None = None
        self._discovered: Mode | None = None
        self._asked = False

    def organization(self) -> Organization:
        """Without an id where the key may not read it."""
        with self._lock:
            if self._organization is None:
                try:
                    self._organization = self._api.me()
                except (MissingScope, NotFound):
                    self._organization = Organization("", "an organisation that the key may not name")
            return self._organization

    def mode(self) -> Mode | None:
        """None where it is neither configured nor to be read."""
        if self._configured is not None:
            return self._configured
        if not self._asked:
            self._discovered, self._asked = self.enforced(), True
        return self._discovered

    def mode_for(self, operation: str) -> Mode:
        """Refused where the mode is not known."""
        mode = self.mode()
        if mode is None:
            raise Refused(SYSTEM, operation, UNKNOWN)
        return mode

    def forget(self) -> None:
        """The mode is read anew when it is needed: somebody may have changed it."""
        self._asked = False

    def enforced(self) -> Mode | None:
        """The mode as Claude says; None where the key may not read it, or it is a new one."""
        identifier = self.organization().id
        if not identifier:
            return None
        try:
            return Mode(self._api.provisioning_mode(identifier))
        except (MissingScope, NotFound, ValueError):
            return None

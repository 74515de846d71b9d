"""What an organisation's provisioning mode lets the Admin API do, and who does it where it does not.

Source: platform.claude.com, "User management" (what is refused); support.claude.com 13133195 (what each
mode does by itself).
"""

from enum import StrEnum

CONSOLE = "the Claude console (Organization settings → Members)"
SETTINGS = "the Claude console (Organization settings → Identity and access)"


class Mode(StrEnum):
    """`sso_provisioning_mode` of the compliance settings."""

    LOGIN_ONLY = "login_only"
    JIT_PERMISSIVE = "jit_permissive"
    JIT_ADVANCED = "jit_advanced"
    SCIM_PERMISSIVE = "scim_permissive"
    SCIM_ADVANCED = "scim_advanced"

    @property
    def invites(self) -> bool:
        """People come by invites; in all other modes the API refuses those, and groups bring people."""
        return self is Mode.LOGIN_ONLY

    @property
    def removes(self) -> bool:
        """The API removes members; otherwise directory sync does, once they are out of their groups."""
        return not self.syncs

    @property
    def syncs(self) -> bool:
        return self in {Mode.SCIM_PERMISSIVE, Mode.SCIM_ADVANCED}

    @property
    def maps(self) -> bool:
        """Tier and role follow from groups; otherwise a tier is given by hand in the console."""
        return self in {Mode.JIT_ADVANCED, Mode.SCIM_ADVANCED}

    @property
    def changes_roles(self) -> bool:
        return not self.maps


def how_people_come(mode: Mode) -> str:
    """What becomes of somebody who was let in, in one sentence."""
    if mode.invites:
        return "people are invited by e-mail and choose when to accept"
    if mode.syncs:
        return "people come by directory sync once they are in their seat group"
    return "people come with their first login once they are in their seat group"


def cannot(mode: Mode) -> tuple[str, ...]:
    """What nobody can do through the API in this mode, and who does it."""
    facts = ["the API can neither read how many seats were bought nor set anybody's tier"]
    if not mode.maps:
        facts.append(f"tiers are not taken from groups: they are set by hand in {CONSOLE}")
    if mode.syncs:
        facts.append("members are removed by directory sync, when they leave their groups")
    facts.append(f"owners and admins are managed in {CONSOLE} alone")
    return tuple(facts)

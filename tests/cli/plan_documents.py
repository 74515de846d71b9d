"""Plans as documents, from worlds that say only what matters."""

from collections.abc import Iterable
from typing import Any

from idpsync.cli.markdown import markdown
from idpsync.cli.plan_outline import plan_outline
from idpsync.core.guard import GuardReport, LimitCheck
from idpsync.core.model import Account, Link
from idpsync.core.plan import Plan
from idpsync.core.planner import plan
from idpsync.core.report import plan_json
from idpsync.core.seats import Tier
from tests.people import POLICY, PREMIUM, STANDARD, group, snapshot, world

ROOMY = {PREMIUM: 1000, STANDARD: 50_000}
SHELL = "$(reboot)"
HOSTILE = (
    "@acme/owners",
    "a|b",
    "a\\|b",
    "`tick`",
    "<script>document.title='taken'</script>",
    "[click](https://evil.example)",
    "https://evil.example",
    "www.evil.example",
    "#1",
    "GH-12",
    ":tada:",
    "**bold** _under_",
    "&lt;&#64;acme",
    "two\nlines",
    "- list",
    "1. list",
    " ",
    "</details>",
    SHELL,
    '"><img src=x>',
)
"""Names that markup would make something of."""


def made(
    *,
    premium: Iterable[str] = (),
    users: Iterable[str] = (),
    accounts: Iterable[Account] = (),
    links: Iterable[Link] | None = None,
    seats: dict[Tier, int] | None = None,
) -> Plan:
    """The plan for people in two groups."""
    groups = [group("Premium", premium := list(premium)), group("Users", users := list(users))]
    read = snapshot(dict.fromkeys([*premium, *users]), groups)
    bought = seats or {PREMIUM: 2, STANDARD: 5}
    return plan(world(read, accounts, links=links, seats=bought), POLICY)


def document(made: Plan, *tripped: LimitCheck) -> dict[str, Any]:
    return plan_json(made, GuardReport(tripped), "acme")


def limit(name: str, people: Iterable[str]) -> LimitCheck:
    """A limit of none that these people went over."""
    people = tuple(people)
    return LimitCheck(name, 0, len(people), f"{len(people)}/100", tripped=True, people=people)


def many(number: int) -> list[str]:
    return [f"person-{at:05}" for at in range(number)]


def told_by(names: Iterable[str]) -> dict[str, Any]:
    """A plan that refuses people of these very names."""
    refused = [{"user_name": name, "reason": "guest", "because": [f"{name}, a guest"]} for name in names]
    return {**document(made()), "refused": refused}


def large(number: int = 3000) -> dict[str, Any]:
    return document(made(users=many(number), seats=ROOMY))


def written(plan: dict[str, Any]) -> str:
    return markdown(plan_outline(plan))

"""What no single section can know: whether the sections agree with each other.

The checks read the plain tree, not the models, so that they speak up beside any other fault.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import MAXYEAR, date
from typing import Any

from pydantic import ValidationError

from idpsync.config.document import Fault, dotted, select
from idpsync.config.faults import guess
from idpsync.config.sections import ALL_TIERS, NO_SEAT, WebConfig
from idpsync.jit.settings import JitConfig, demo_problem

Tree = Mapping[str, Any]

# places that name a tier; the second word may stand there too
_TIER_VALUES = (("policy.rules.*.tier", NO_SEAT), ("alerts.headroom.*.tier", ALL_TIERS))
_TIER_KEYS = (
    "contract.seats",
    "contract.reserve",
    "target.tier_values",
    "target.groups",
    "target.seat_lever.groups",
    "target.seat_lever.names",
)
_EVERY_TIER = ("target.groups", "target.seat_lever.groups", "target.seat_lever.names")


def disagreements(tree: Tree) -> list[Fault]:
    """Everything in which the sections do not fit together."""
    return [fault for check in _CHECKS for fault in check(tree)]


def _tier_names(tree: Tree) -> list[str]:
    return [name for _, name in select(tree, "tiers.*.name") if isinstance(name, str)]


def _tiers_differ(tree: Tree) -> Iterator[Fault]:
    return _repeats(tree, "tiers.*.name", "two tiers have the same name")


def _receivers_differ(tree: Tree) -> Iterator[Fault]:
    return _repeats(tree, "alerts.receivers.*.name", "two receivers have the same name")


def _directories_differ(tree: Tree) -> Iterator[Fault]:
    """By name, else by kind; in one list only."""
    first: dict[str, str] = {}
    listed = [(path, one) for path, one in select(tree, "directory.*") if isinstance(one, dict)]
    for path, one in listed if isinstance(tree.get("directory"), list) else ():
        name = one.get("name") or one.get("kind")
        if isinstance(name, str):
            if name in first:
                key = "name" if "name" in one else "kind"
                said = f"is called {name}, as {first[name]} is: give it a `name` of its own"
                yield Fault((*path, key), said)
            first.setdefault(name, dotted(path))


def _people_of_okta_are_named(tree: Tree) -> Iterator[Fault]:
    """By the groups of rules only one directory alone can say who its people are: it has them all."""
    listed = tree.get("directory")
    several = isinstance(listed, list) and len(listed) > 1
    for path, one in select(tree, "directory.*") if several else ():
        okta = isinstance(one, dict) and one.get("kind") == "okta"
        if okta and not one.get("app_id") and not one.get("people_groups"):
            said = (
                "needs app_id or people_groups where there are several directories: "
                "the groups of the rules need not all be in this one"
            )
            yield Fault(path, said)


def _repeats(tree: Tree, pattern: str, complaint: str) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, name in select(tree, pattern):
        if isinstance(name, str):
            if name in first:
                yield Fault(path, f"{complaint} as {first[name]}")
            first.setdefault(name, dotted(path[:-1]))


def _tiers_are_known(tree: Tree) -> Iterator[Fault]:
    known = _tier_names(tree)
    if not known:
        return
    for pattern, also in _TIER_VALUES:
        for path, name in select(tree, pattern):
            if isinstance(name, str) and name not in {*known, also}:
                yield Fault(path, _unknown_tier(name, [*known, also]))
    for pattern in _TIER_KEYS:
        for path, names in select(tree, pattern):
            for name in names if isinstance(names, dict) else ():
                if name not in known:
                    yield Fault((*path, name), _unknown_tier(name, known))


def _unknown_tier(name: str, known: list[str]) -> str:
    return f"no such tier{guess(name, known) or '; known: ' + ', '.join(known)}"


def _every_tier_has_a_group(tree: Tree) -> Iterator[Fault]:
    for pattern in _EVERY_TIER:
        for path, names in select(tree, pattern):
            missing = [t for t in _tier_names(tree) if isinstance(names, dict) and t not in names]
            if missing:
                yield Fault(path, f"names no group for {', '.join(missing)}")


def _groups_of_tiers_differ(tree: Tree) -> Iterator[Fault]:
    for pattern in _EVERY_TIER:
        first: dict[str, str] = {}
        for path, group in select(tree, f"{pattern}.*"):
            name = group.casefold() if isinstance(group, str) else ""
            if name in first:
                yield Fault(path, f"is the group of {first[name]} too: a group stands for one tier")
            elif name:
                first[name] = str(path[-1])


def _claude_has_the_roles(tree: Tree) -> Iterator[Fault]:
    if _target_kind(tree) != "claude":
        return
    for path, role in select(tree, "policy.rules.*.role"):
        if isinstance(role, str) and role not in _CLAUDE_ROLES:
            known = ", ".join(_CLAUDE_ROLES)
            yield Fault(path, f"a Claude organisation has no role {role}; it has {known}")


def _unknown_tier_is_known(tree: Tree) -> Iterator[Fault]:
    known = _tier_names(tree)
    for path, name in select(tree, "target.unknown_tier"):
        if known and isinstance(name, str) and name not in known:
            yield Fault(path, _unknown_tier(name, known))


def _claude_frees_seats_of_members(tree: Tree) -> Iterator[Fault]:
    mode = next(select(tree, "target.provisioning_mode"), ((), None))[1]
    if _target_kind(tree) != "claude" or mode not in _CLAUDE_TIERS_BY_HAND:
        return
    for path, action in select(tree, "policy.leavers.action"):
        if action == "release_seat":
            what = f"in provisioning mode {mode} a member of Claude loses only the seat by hand alone"
            yield Fault(path, f"cannot be done: {what}; choose deactivate or delete")


def _term_runs_forward(tree: Tree) -> Iterator[Fault]:
    contract = tree.get("contract")
    starts, ends = (_day(contract, key) for key in ("starts", "ends"))
    if starts and ends and ends < starts:
        yield Fault(("contract", "ends"), f"lies before contract.starts, {starts.isoformat()}")
    if ends and ends.year == MAXYEAR:
        yield Fault(("contract", "ends"), "is the end of the calendar: name the last day of the term")


def _day(section: object, key: str) -> date | None:
    value = section.get(key) if isinstance(section, Mapping) else None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _reserve_is_bought(tree: Tree) -> Iterator[Fault]:
    known = _tier_names(tree)
    seats = {path[-1]: number for path, number in select(tree, "contract.seats.*")}
    for path, kept in select(tree, "contract.reserve.*"):
        bought = seats.get(path[-1], 0)
        if path[-1] in known and type(kept) is int and type(bought) is int and kept > bought:
            yield Fault(path, f"keeps {kept} seats back, and only {bought} are bought (contract.seats)")


def _rules_say_something_new(tree: Tree) -> Iterator[Fault]:
    first: dict[tuple[object, ...], str] = {}
    for path, rule in select(tree, "policy.rules.*"):
        if not isinstance(rule, dict):
            continue
        if "tier" not in rule and "role" not in rule:
            yield Fault(path, "must have a tier, a role or both")
        says = tuple(repr(rule.get(key)) for key in ("group", "tier", "role"))
        if says in first:
            yield Fault(path, f"says the same as {first[says]}")
        first.setdefault(says, dotted(path))


def _mail_has_a_server(tree: Tree) -> Iterator[Fault]:
    if isinstance(tree.get("mail"), dict):
        return
    for path, receiver in select(tree, "alerts.receivers.*"):
        if isinstance(receiver, dict) and receiver.get("kind") == "email" and not receiver.get("smtp"):
            yield Fault(
                (*path, "smtp"), "is missing, and there is no `mail` section with a server either"
            )


def _mail_login_is_whole(tree: Tree) -> Iterator[Fault]:
    mail = tree.get("mail")
    for missing, given in (("username", "password"), ("password", "username")):
        if isinstance(mail, dict) and mail.get(given) and not mail.get(missing):
            yield Fault(
                ("mail", missing), f"is missing, and there is a mail.{given}: give both or neither"
            )


def _demo_stays_at_home(tree: Tree) -> Iterator[Fault]:
    try:
        jit = JitConfig.model_validate(tree.get("jit"))
    except ValidationError:
        return
    listen = next(select(tree, "web.listen"), ((), WebConfig().listen))[1]
    kind = next(select(tree, "target.kind"), ((), ""))[1]
    if problem := demo_problem(jit, listen=str(listen), target_kind=str(kind)):
        yield Fault(("jit", "idp", "demo"), problem.removeprefix("idp.demo "))


def _seat_groups_can_be_written(tree: Tree) -> Iterator[Fault]:
    """Seats that follow from groups need a directory with groups that we may write."""
    if _target_kind(tree) not in _SEATED_BY_GROUP:
        return
    found = (select(tree, pattern) for pattern in ("directory.kind", "directory.*.kind"))
    given = [kind for places in found for _, kind in places if isinstance(kind, str)]
    if given and not set(given) & set(_WRITABLE):
        what = f"writes groups of the directory, and {given[0]} has none to write; those that have some"
        yield Fault(("target", "kind"), f"{what}: {', '.join(_WRITABLE)}")


def _seat_groups_give_no_roles(tree: Tree) -> Iterator[Fault]:
    if _target_kind(tree) == "idp_groups":
        for path, _ in select(tree, "policy.rules.*.role"):
            yield Fault(path, "has no effect: target idp_groups gives seats, not roles")


def _target_kind(tree: Tree) -> str:
    kind = next(select(tree, "target.kind"), ((), ""))[1]
    return kind if isinstance(kind, str) else ""


_CLAUDE_ROLES = ("user", "managed", "admin", "owner")
_CLAUDE_TIERS_BY_HAND = ("login_only", "jit_permissive", "scim_permissive")
_SEATED_BY_GROUP, _WRITABLE = ("claude", "idp_groups"), ("entra", "ldap", "okta")

_CHECKS: tuple[Callable[[Tree], Iterator[Fault]], ...] = (
    _tiers_differ,
    _tiers_are_known,
    _every_tier_has_a_group,
    _groups_of_tiers_differ,
    _claude_has_the_roles,
    _unknown_tier_is_known,
    _claude_frees_seats_of_members,
    _term_runs_forward,
    _reserve_is_bought,
    _rules_say_something_new,
    _receivers_differ,
    _directories_differ,
    _people_of_okta_are_named,
    _mail_has_a_server,
    _mail_login_is_whole,
    _demo_stays_at_home,
    _seat_groups_can_be_written,
    _seat_groups_give_no_roles,
)

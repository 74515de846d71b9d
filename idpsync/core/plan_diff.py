"""What changed between two plans, on the shape of `plan --json`."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
Pair = tuple[Document, Document]


def plan_diff(then: Document, now: Document) -> dict[str, Any]:
    """The differences from the older plan `then` to `now`; both have the shape of a plan.

    `same` says that both do the same: one digest. Seats, queue and guard may differ all the same.
    """
    actions = _actions(then["actions"], now["actions"])
    return {
        "organization": now["organization"],
        "same": then["digest"] == now["digest"],
        "then": _about(then),
        "now": _about(now),
        "actions": actions,
        "seats": list(_seats(then["pool"], now["pool"])),
        "waiting": _people(then["waiting"], now["waiting"], ("wants", "holds", "position"), "moved"),
        "refused": _people(then["refused"], now["refused"], ("reason",), "changed"),
        "conflicts": _came_and_went(_conflicts(then), _conflicts(now)),
        "orphans": _came_and_went(then["orphans"], now["orphans"]),
        "notes": _came_and_went(then.get("notes", ()), now.get("notes", ())),
        "guard": {
            "then": then["guard"]["held"],
            "now": now["guard"]["held"],
            "tripped": [check for check in now["guard"]["limits"] if check["tripped"]],
            "limits": list(_limits(then["guard"]["limits"], now["guard"]["limits"])),
        },
    }


def _about(plan: Document) -> dict[str, Any]:
    read = plan["directory"]
    told = {
        "digest": plan["digest"],
        "made_at": plan["made_at"],
        "mode": plan["mode"],
        "actions": len(plan["actions"]),
        "directory": {key: read[key] for key in ("kind", "complete", "users")},
    }
    return {**told, "assumptions": plan["assumptions"]} if "assumptions" in plan else told


# --- actions ----------------------------------------------------------------------------------------


def _actions(then: Sequence[Document], now: Sequence[Document]) -> dict[str, Any]:
    """Person by person: what is the same goes, then kinds are paired, then what is left of each side."""
    old, new = _by_person(then), _by_person(now)
    gone, fresh, changed, same = [], [], [], 0
    for person in dict.fromkeys((*new, *old)):
        before, after, equal = _without_equals(old.get(person, []), new.get(person, []))
        same += equal
        pairs = list(_paired(before, after))
        changed += [_changed(*pair) for pair in pairs]
        gone += _left_out(before, [pair[0] for pair in pairs])
        fresh += _left_out(after, [pair[1] for pair in pairs])
    return {"new": fresh, "gone": gone, "changed": changed, "unchanged": same}


def _by_person(actions: Iterable[Document]) -> dict[str, list[Document]]:
    people: dict[str, list[Document]] = {}
    for action in actions:
        people.setdefault(action.get("external_id") or action["user_name"], []).append(action)
    return people


def _without_equals(
    before: Sequence[Document], after: Sequence[Document]
) -> tuple[list[Document], list[Document], int]:
    left, fresh = list(before), []
    for action in after:
        twin = next((old for old in left if not _differs(old, action)), None)
        if twin is None:
            fresh.append(action)
        else:
            left = _left_out(left, [twin])
    return left, fresh, len(after) - len(fresh)


def _paired(before: Sequence[Document], after: Sequence[Document]) -> Iterator[Pair]:
    """Actions of one kind, then the others, each with the first that is left."""
    left, fresh = list(before), []
    for action in after:
        twin = next((old for old in left if old["kind"] == action["kind"]), None)
        if twin is None:
            fresh.append(action)
        else:
            left = _left_out(left, [twin])
            yield twin, action
    yield from zip(left, fresh, strict=False)


def _left_out(actions: Iterable[Document], taken: Sequence[Document]) -> list[Document]:
    ids = {id(action) for action in taken}
    return [action for action in actions if id(action) not in ids]


def _differs(old: Document, new: Document) -> list[str]:
    """Keys that both have and that say something else; and those only one kind of action has."""
    if old["kind"] == new["kind"]:
        return [key for key in new if key in old and old[key] != new[key]]
    return [key for key in dict.fromkeys((*new, *old)) if old.get(key) != new.get(key)]


def _changed(old: Document, new: Document) -> dict[str, Any]:
    return {
        "user_name": new["user_name"],
        "external_id": new.get("external_id"),
        "differs": _differs(old, new),
        "then": old,
        "now": new,
    }


# --- the rest ---------------------------------------------------------------------------------------


def _seats(then: Document, now: Document) -> Iterator[dict[str, Any]]:
    """Every tier of either plan; null where a plan does not know it."""
    tiers = dict.fromkeys(row["tier"] for pool in (now, then) for row in pool["before"])
    for tier in tiers:
        yield {"tier": tier, "then": _tier(then, tier), "now": _tier(now, tier)}


def _tier(pool: Document, tier: str) -> dict[str, Any] | None:
    found = {
        moment: next((row for row in pool[moment] if row["tier"] == tier), None)
        for moment in ("before", "after")
    }
    return found if all(found.values()) else None


def _people(
    then: Iterable[Document], now: Iterable[Document], keys: Sequence[str], changed: str
) -> dict[str, Any]:
    """Rows that came, went, or say something else under `keys`; by user name."""
    old, new = ({row["user_name"]: row for row in rows} for rows in (then, now))
    return {
        "came": [row for name, row in new.items() if name not in old],
        "went": [row for name, row in old.items() if name not in new],
        changed: [
            {"user_name": name, "then": old[name], "now": row}
            for name, row in new.items()
            if name in old and any(old[name][key] != row[key] for key in keys)
        ],
    }


def _conflicts(plan: Document) -> list[Document]:
    return [{"keys": row["keys"], "reason": row["reason"]} for row in plan["conflicts"]]


def _came_and_went(then: Iterable[Any], now: Iterable[Any]) -> dict[str, list[Any]]:
    old, new = list(then), list(now)
    return {"came": _beyond(new, old), "went": _beyond(old, new)}


def _beyond(rows: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """Rows that the others do not have, as often as they are missing there."""
    there = Counter(map(_key, others))
    missing = []
    for row in rows:
        there[_key(row)] -= 1
        if there[_key(row)] < 0:
            missing.append(row)
    return missing


def _key(row: Any) -> Hashable:
    return row if isinstance(row, str) else (row["reason"], *row["keys"])


def _limits(then: Iterable[Document], now: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """Limits that say something else, or that only one of the plans has."""
    old, new = ({row["name"]: _limit(row) for row in rows} for rows in (then, now))
    for name in dict.fromkeys((*new, *old)):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield {"name": name, "then": before, "now": after}


def _limit(row: Document) -> dict[str, Any]:
    return {key: row[key] for key in ("allowed", "seen", "counted", "tripped")}

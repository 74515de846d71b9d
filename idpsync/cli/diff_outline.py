"""What changed between two plans, to people; from the shape of `plan --diff --json`."""

from collections.abc import Iterator, Mapping, Sequence

from idpsync.cli.action_words import decisive_first, detail, heading_of, tier_step, title_of
from idpsync.cli.outline import (
    SENTENCE,
    Column,
    Document,
    Kind,
    Outline,
    Pool,
    Seats,
    Section,
    TierSeats,
    grouped,
    legible,
    seats_of,
    step,
    told,
)
from idpsync.cli.plan_outline import (
    CHANGE,
    PERSON,
    UNREAD,
    commands_for,
    in_words,
    limit_words,
    moment,
    person,
    tripped_by,
)

NO_SEATS = Seats(0, 0, 0, 0, 0)
WAS, IS = Column("was", Kind.PROSE), Column("is", Kind.PROSE)


def diff_outline(diff: Document, file: str) -> Outline:
    """Actions that are new, gone and changed, then seats, queue, refusals and guard."""
    groups = (*_actions(diff["actions"]), *_waiting(diff["waiting"]), *_refused(diff["refused"]))
    sections = (*groups, *_simple(diff), *_limits(diff["guard"]["limits"]))
    pools = tuple(_pools(diff["seats"]))
    return Outline(
        title=f"Plan for {diff['organization']}, compared with an older one: {_counts(diff)}",
        lead=_lead(diff, differs=bool(sections or pools)),
        facts=tuple(_facts(diff)),
        tripped=tripped_by(diff["guard"]["tripped"]),
        commands=commands_for(
            diff["now"]["digest"], held=diff["guard"]["now"] and diff["now"]["mode"] != "observe"
        ),
        pools=pools,
        summary=tuple((section.title, len(section.rows)) for section in groups),
        sections=sections,
        whole=f"idpsync plan --diff {file} --json",
    )


def _counts(diff: Document) -> str:
    actions = diff["actions"]
    parts = ", ".join(f"{len(actions[key]):,} {key}" for key in ("new", "gone", "changed"))
    return f"actions {parts}"


def _lead(diff: Document, *, differs: bool) -> tuple[str, ...]:
    actions, unread = diff["actions"], () if diff["now"]["directory"]["complete"] else (UNREAD,)
    if diff["same"]:
        rest = "" if differs else " Nothing else differs."
        return (*unread, f"Same digest: both plans do the same.{rest}")
    if not (actions["new"] or actions["gone"] or actions["changed"]):
        return (*unread, "The actions are the same, in another order.")
    return unread


def _facts(diff: Document) -> Iterator[tuple[str, str]]:
    then, now = diff["then"], diff["now"]
    yield "Older", f"{moment(then['made_at'])}, {then['actions']:,} actions"
    yield "Digest", then["digest"]
    yield "Now", f"{moment(now['made_at'])}, {now['actions']:,} actions"
    yield "Digest", now["digest"]
    for label, key in (("Mode", "mode"), ("Assumed", "assumptions")):
        if then.get(key) != now.get(key):
            yield label, step(_said(then.get(key)), _said(now.get(key)))
    yield "Directory", step(_read(then["directory"]), _read(now["directory"]))
    yield "Guard", step(*("held" if diff["guard"][key] else "passes" for key in ("then", "now")))


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value or "nothing")


def _read(directory: Document) -> str:
    people = f"{directory['users']:,} people"
    return people if directory["complete"] else f"{people}, NOT read whole"


# --- seats ------------------------------------------------------------------------------------------


def _pools(rows: Sequence[Document]) -> Iterator[Pool]:
    for title, when in (("Seats in use before the plan", "before"), ("Seats after the plan", "after")):
        tiers = tuple(
            TierSeats(row["tier"], _at(row["then"], when), _at(row["now"], when)) for row in rows
        )
        if any(tier.before != tier.after for tier in tiers):
            yield Pool(title, "older", "now", tiers)


def _at(pool: Mapping[str, Document] | None, when: str) -> Seats:
    return seats_of(pool[when]) if pool else NO_SEATS


# --- actions ----------------------------------------------------------------------------------------


def _actions(actions: Document) -> Iterator[Section]:
    columns = ((PERSON, person), (CHANGE, detail))
    for word, key in (("New", "new"), ("Gone", "gone")):
        for title, rows in grouped(map(decisive_first, actions[key]), title_of):
            yield told(f"{word}: {title}", rows, columns)
    both = ((PERSON, person), (WAS, _was), (IS, _is))
    for title, rows in grouped(actions["changed"], _changed_title):
        yield told(f"Changed: {title}", [{**row, "because": ()} for row in rows], both)


def _changed_title(row: Document) -> str:
    was, now = title_of(row["then"]), title_of(row["now"])
    if was == now:
        return was
    if row["then"]["kind"] == row["now"]["kind"]:
        steps = tier_step(row["then"]), tier_step(row["now"])
        return f"{heading_of(row['now'])}: was {steps[0]}, is {steps[1]}"
    return f"was {was}, is {now}"


def _was(row: Document) -> str:
    return _described(row["then"], row["differs"])


def _is(row: Document) -> str:
    return _described(row["now"], row["differs"])


_IN_TITLE = {"kind", "tier", "previous_tier"}
_IN_DETAIL = {"roles", "previous_roles", "changed"}


def _described(action: Document, differs: Sequence[str]) -> str:
    """The values of what differs, but for what the title says."""
    parts = [detail(action)] if _IN_DETAIL & set(differs) else []
    for key in differs:
        if key == "because":
            parts.append("; ".join(map(legible, decisive_first(action)["because"])))
        elif key not in _IN_TITLE | _IN_DETAIL and key in action:
            parts.append(f"{in_words(key)} {action[key]}")
    return "; ".join(part for part in parts if part)


# --- queue and refusals -----------------------------------------------------------------------------


def _waiting(waiting: Document) -> Iterator[Section]:
    columns = (
        (Column("#", Kind.NUMBER), lambda row: f"{row['position']:,}"),
        (PERSON, person),
        (Column("holds"), lambda row: row["holds"] or "nothing"),
    )
    for word, key in (("Waits now for", "came"), ("No longer waits for", "went")):
        for title, rows in grouped(waiting[key], lambda row: str(row["wants"])):
            yield told(f"{word} {title}", rows, columns)
    for title, rows in grouped(waiting["moved"], lambda row: str(row["now"]["wants"])):
        moved = tuple((row["user_name"], *_steps(row)) for row in rows)
        titles = (PERSON, Column("position"), Column("holds"), Column("wants"))
        yield Section(f"Moved in the queue for {title}", titles, moved)


def _steps(row: Document) -> Iterator[str]:
    for key in ("position", "holds", "wants"):
        yield step(row["then"][key] or "nothing", row["now"][key] or "nothing")


def _refused(refused: Document) -> Iterator[Section]:
    for word, key in (("Newly refused", "came"), ("No longer refused", "went")):
        for title, rows in grouped(refused[key], lambda row: in_words(row["reason"])):
            yield told(f"{word}: {title}", rows, ((PERSON, person),))
    if refused["changed"]:
        rows = refused["changed"]
        steps = tuple((row["user_name"], *_reasons(row)) for row in rows)
        yield Section("Refused for another reason", (PERSON, WAS, IS), steps)


def _reasons(row: Document) -> Iterator[str]:
    for when in ("then", "now"):
        yield in_words(row[when]["reason"])


# --- the rest ---------------------------------------------------------------------------------------


def _simple(diff: Document) -> Iterator[Section]:
    for word, key in (("New", "came"), ("Gone", "went")):
        for title, rows in grouped(diff["conflicts"][key], lambda row: in_words(row["reason"])):
            keys = tuple((", ".join(row["keys"]),) for row in rows)
            yield Section(f"{word}, skipped: {title}", (Column("who or what", Kind.NAME),), keys)
        if diff["orphans"][key]:
            accounts = tuple((name,) for name in diff["orphans"][key])
            yield Section(f"{word} among the orphan accounts", (Column("account", Kind.NAME),), accounts)
        if diff["notes"][key]:
            notes = tuple((note,) for note in diff["notes"][key])
            yield Section(f"{word} among the notes", (SENTENCE,), notes)


def _limits(limits: Sequence[Document]) -> Iterator[Section]:
    if limits:
        rows = tuple((row["name"], _limit(row, "then"), _limit(row, "now")) for row in limits)
        yield Section("Limits of the guard", (Column("limit", Kind.NAME), WAS, IS), rows)


def _limit(row: Document, when: str) -> str:
    check = row[when]
    if check is None:
        return "not there"
    said = limit_words({"name": row["name"], **check})
    return f"{said}, TRIPPED" if check["tripped"] else said

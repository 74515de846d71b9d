"""What a plan says to people, from its shape in `plan --json`."""

import re
from collections.abc import Iterable, Iterator, Mapping

from idpsync.cli.action_words import decisive_first, detail, title_of
from idpsync.cli.outline import (
    SENTENCE,
    Column,
    Document,
    Kind,
    Outline,
    Pool,
    Section,
    TierSeats,
    Tripped,
    grouped,
    seats_of,
    told,
)

PERSON = Column("person", Kind.NAME)
CHANGE = Column("change", Kind.PROSE)
UNREAD = "The directory was not read whole: nothing can be decided for what was not read."
MODES: Mapping[str, str] = {
    "full": "full",
    "no_removals": "no_removals: nothing is taken from anybody",
    "create_only": "create_only: accounts are made, those there are stay as they are",
    "observe": "observe: nothing is written",
}


def plan_outline(plan: Document) -> Outline:
    """The whole plan: facts, seats, actions by kind and tier, and everything decided against."""
    actions, waiting, refused = _actions(plan), _waiting(plan), _refused(plan)
    groups = [*actions, *waiting, *refused]
    return Outline(
        title=f"Plan for {plan['organization']}: {counted(len(plan['actions']), 'action')}",
        lead=_lead(plan),
        facts=facts_of(plan),
        tripped=tripped_of(plan),
        commands=commands_for(plan["digest"], held=plan["guard"]["held"] and plan["mode"] != "observe"),
        pools=(_pool(plan),),
        summary=tuple((section.title, len(section.rows)) for section in groups),
        sections=(*_remarks(plan), *groups, *_left_alone(plan)),
        whole="idpsync plan --json",
    )


def counted(number: int, noun: str) -> str:
    """1 action, 2,000 actions."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def facts_of(plan: Document) -> tuple[tuple[str, str], ...]:
    """What it was made from, and the name it is approved by."""
    read = plan["directory"]
    lacking = "NOT read whole: nothing is removed for what is missing"
    whole = "read whole" if read["complete"] else lacking
    people = "1 person" if read["users"] == 1 else f"{read['users']:,} people"
    return (
        ("Directory", f"{read['kind']}, {people}, {whole}"),
        ("Mode", MODES.get(plan["mode"], plan["mode"])),
        ("Made", moment(plan["made_at"])),
        ("Digest", plan["digest"]),
    )


def moment(at: str | None) -> str:
    """A time of the JSON shapes, to the minute."""
    return f"{at[:10]} {at[11:16]} UTC" if at and at.endswith("Z") else at or ""


def tripped_of(plan: Document) -> tuple[Tripped, ...]:
    """The limits that hold the plan; those that counted the same people stand together."""
    return tripped_by(check for check in plan["guard"]["limits"] if check["tripped"])


def tripped_by(checks: Iterable[Document]) -> tuple[Tripped, ...]:
    """Tripped limits; those that counted the same people stand together."""
    found = grouped(checks, lambda check: "\n".join(check.get("people", ())))
    return tuple(
        Tripped(
            tuple(check["name"] for check in same),
            tuple(limit_sentence(check) for check in same),
            tuple(same[0].get("people", ())),
        )
        for _, same in found
    )


def limit_sentence(check: Document) -> str:
    """A limit, what it allows and what was seen."""
    return f"{check['name']}: {limit_words(check)}"


def limit_words(check: Document) -> str:
    """What a limit allows and what was seen, without its name."""
    unit = " %" if check["name"].partition(":")[0].endswith("percent") else ""
    allowed, seen = (f"{round(check[key], 4):,.12g}{unit}" for key in ("allowed", "seen"))
    counted = re.sub(r"\d+", lambda number: f"{int(number[0]):,}", check["counted"])
    return f"allowed {allowed}, seen {seen} ({counted})"


def commands_for(digest: str, *, held: bool) -> tuple[str, ...]:
    """What lets a held plan pass, and what drops it."""
    return (f"idpsync approve {digest}", f"idpsync reject {digest}") if held else ()


def _lead(plan: Document) -> tuple[str, ...]:
    unread = () if plan["directory"]["complete"] else (UNREAD,)
    if plan["actions"]:
        return unread
    left = [f"{number:,} {one if number == 1 else many}" for number, one, many in _open(plan) if number]
    if left:
        return (*unread, f"No action is planned; still open: {'; '.join(left)}.")
    return unread or ("Nothing to do: accounts and seats are as they should be.",)


def _open(plan: Document) -> Iterator[tuple[int, str, str]]:
    """What a plan without actions leaves to somebody: how much, and how one and many are called."""
    yield len(plan["adoptions"]), "account is to be adopted", "accounts are to be adopted"
    yield len(plan["conflicts"]), "conflict to be solved", "conflicts to be solved"
    yield len(plan["over"]), "tier with more people than seats", "tiers with more people than seats"
    yield len(plan["waiting"]), "person waits for a seat", "people wait for a seat"
    yield len(plan["notes"]), "note, see below", "notes, see below"


def _pool(plan: Document) -> Pool:
    pairs = zip(plan["pool"]["before"], plan["pool"]["after"], strict=True)
    tiers = tuple(TierSeats(b["tier"], seats_of(b), seats_of(a)) for b, a in pairs)
    return Pool("Seats", "now", "after the plan", tiers)


def _remarks(plan: Document) -> Iterator[Section]:
    for title, sentences in (
        ("Notes", plan["notes"]),
        ("Problems of the read", plan["directory"]["problems"]),
    ):
        if sentences:
            yield Section(title, (SENTENCE,), tuple((text,) for text in sentences))
    for over in plan["over"]:
        yield Section(
            f"More people than seats: {over['tier']}",
            (PERSON,),
            tuple((name,) for name in over["people"]),
            (_over(over),),
        )


def _over(over: Document) -> str:
    reserved = f" and {over['held']:,} more reserved" if over["held"] else ""
    return (
        f"{over['assigned']:,} assigned{reserved}, {over['purchased']:,} purchased. "
        "Nobody loses access, and no new seat is given before there is room. The newest:"
    )


def _actions(plan: Document) -> list[Section]:
    columns = ((PERSON, person), (CHANGE, detail))
    actions = map(decisive_first, plan["actions"])
    return [told(title, rows, columns) for title, rows in grouped(actions, title_of)]


def person(row: Document) -> str:
    """The cell of the column `PERSON`."""
    return str(row["user_name"])


def _waiting(plan: Document) -> list[Section]:
    columns = (
        (Column("#", Kind.NUMBER), lambda row: f"{row['position']:,}"),
        (PERSON, person),
        (Column("holds"), lambda row: row["holds"] or "nothing"),
        (Column("since"), lambda row: (row["since"] or "")[:10]),
    )
    groups = grouped(plan["waiting"], lambda row: f"Waiting for {row['wants']}")
    return [told(title, rows, columns) for title, rows in groups]


def _refused(plan: Document) -> list[Section]:
    groups = grouped(plan["refused"], lambda row: f"Refused: {in_words(row['reason'])}")
    return [told(title, rows, ((PERSON, person),)) for title, rows in groups]


def in_words(reason: str) -> str:
    """`domain_not_verified` as people read it."""
    return reason.replace("_", " ")


def _left_alone(plan: Document) -> Iterator[Section]:
    for title, rows in grouped(plan["conflicts"], lambda row: f"Skipped: {in_words(row['reason'])}"):
        names = tuple((", ".join(row["keys"]),) for row in rows)
        yield Section(title, (Column("who or what", Kind.NAME),), names)
    for title, rows in grouped(plan["adoptions"], lambda row: f"Adopted by {row['matched_by']}"):
        pairs = tuple((row["user_name"], row["account_id"]) for row in rows)
        yield Section(title, (PERSON, Column("account", Kind.NAME)), pairs)
    if plan["orphans"]:
        orphans = tuple((name,) for name in plan["orphans"])
        yield Section("Orphan accounts, left alone", (Column("account", Kind.NAME),), orphans)

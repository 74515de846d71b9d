"""What a plan says to people, from its shape in `plan --json`."""

from collections.abc import Iterator, Mapping

from idpsync.cli.action_words import detail, title_of
from idpsync.cli.outline import (
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
    found: dict[tuple[str, ...], list[str]] = {}
    for check in plan["guard"]["limits"]:
        if check["tripped"]:
            found.setdefault(tuple(check.get("people", ())), []).append(limit_sentence(check))
    return tuple(Tripped(tuple(sentences), people) for people, sentences in found.items())


def limit_sentence(check: Document) -> str:
    """A limit, what it allows and what was seen."""
    return f"{check['name']}: {limit_words(check)}"


def limit_words(check: Document) -> str:
    """What a limit allows and what was seen, without its name."""
    unit = " %" if check["name"].partition(":")[0].endswith("percent") else ""
    return f"allowed {check['allowed']:g}{unit}, seen {check['seen']:g}{unit} ({check['counted']})"


def commands_for(digest: str, *, held: bool) -> tuple[str, ...]:
    """What lets a held plan pass, and what drops it."""
    return (f"idpsync approve {digest}", f"idpsync reject {digest}") if held else ()


def _lead(plan: Document) -> tuple[str, ...]:
    if plan["actions"]:
        return ()
    return ("Nothing to do: accounts and seats are as they should be.",)


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
            yield Section(title, (Column("sentence"),), tuple((text,) for text in sentences))
    for over in plan["over"]:
        yield Section(
            f"More people than seats: {over['tier']}",
            (PERSON,),
            tuple((name,) for name in over["people"]),
            (_over(over),),
        )


def _over(over: Document) -> str:
    reserved = f" and {over['held']} more reserved" if over["held"] else ""
    return (
        f"{over['assigned']:,} assigned{reserved}, {over['purchased']:,} purchased. "
        "Nobody loses access, and no new seat is given before there is room. The newest:"
    )


def _actions(plan: Document) -> list[Section]:
    columns = ((PERSON, person), (Column("change"), detail))
    return [told(title, rows, columns) for title, rows in grouped(plan["actions"], title_of)]


def person(row: Document) -> str:
    """The cell of the column `PERSON`."""
    return str(row["user_name"])


def _waiting(plan: Document) -> list[Section]:
    columns = (
        (Column("#", Kind.NUMBER), lambda row: str(row["position"])),
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

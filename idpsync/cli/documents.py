"""The plan as a document: Markdown for a pull request, HTML as one file without outside resources."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Document = Mapping[str, Any]

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dee6;vertical-align:top}
.held{border-left:4px solid #b3261e;padding:.5rem 1rem;background:#fdf0ef}
code{font:13px ui-monospace,monospace}
"""


def plan_markdown(plan: Document) -> str:
    """Tables that a pull request or a ticket shows as such."""
    parts = [f"# Plan for {plan['organization']}", "", *_facts(plan), ""]
    for title, columns, rows in _tables(plan):
        if rows:
            parts += [f"## {title}", "", _row(columns), _row(["---"] * len(columns))]
            parts += [_row([_cell(c) for c in row]) for row in rows]
            parts.append("")
    return "\n".join(parts).rstrip()


def plan_html(plan: Document) -> str:
    """One self-contained page."""
    held = plan["guard"]["held"]
    body = [f"<h1>Plan for {escape(plan['organization'])}</h1>"]
    body.append(f'<div class="{"held" if held else ""}">')
    body += [f"<p>{escape(fact)}</p>" for fact in _facts(plan)]
    body.append("</div>")
    for title, columns, rows in _tables(plan):
        if rows:
            body.append(f"<h2>{escape(title)}</h2><table><tr>")
            body += [f'<th scope="col">{escape(c)}</th>' for c in columns]
            body.append("</tr>")
            for row in rows:
                body.append("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>")
            body.append("</table>")
    title = escape(f"Plan {plan['organization']}")
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>'


def _facts(plan: Document) -> list[str]:
    read = plan["directory"]
    whole = "read whole" if read["complete"] else "NOT read whole: nothing is removed"
    facts = [
        f"{len(plan['actions'])} actions, digest {plan['digest']}",
        f"Directory ({read['kind']}): {read['users']} people, {whole}",
    ]
    facts += [
        f"HELD by {check['name']}: allowed {check['allowed']:g}, seen {check['seen']:g} "
        f"({check['counted']})"
        for check in plan["guard"]["limits"]
        if check["tripped"]
    ]
    if plan["guard"]["held"]:
        digest = plan["digest"]
        facts.append(f"idpsync approve {digest}, or idpsync reject {digest}")
    return facts


def _tables(plan: Document) -> list[tuple[str, list[str], list[list[str]]]]:
    before, after = plan["pool"]["before"], plan["pool"]["after"]
    seats = [
        [b["tier"], str(b["purchased"]), *(_step(b, a, key) for key in ("assigned", "held", "free"))]
        for b, a in zip(before, after, strict=True)
    ]
    actions = [[a["kind"], a["user_name"], _change(a), "; ".join(a["because"])] for a in plan["actions"]]
    waiting = [
        [
            str(w["position"]),
            w["user_name"],
            w["wants"],
            w["holds"] or "nothing",
            "; ".join(w["because"]),
        ]
        for w in plan["waiting"]
    ]
    over = [
        [o["tier"], str(o["purchased"]), str(o["assigned"]), str(o["held"]), ", ".join(o["people"])]
        for o in plan["over"]
    ]
    refused = [[r["user_name"], r["reason"], "; ".join(r["because"])] for r in plan["refused"]]
    return [
        ("Seats", ["tier", "purchased", "assigned", "held", "free"], seats),
        (
            "More people than seats (nobody loses access)",
            ["tier", "purchased", "assigned", "held", "beyond it"],
            over,
        ),
        ("Actions", ["kind", "person", "change", "because"], actions),
        ("Waiting", ["position", "person", "wants", "holds", "because"], waiting),
        ("Refused", ["person", "reason", "because"], refused),
    ]


def _step(before: Document, after: Document, key: str) -> str:
    same = before[key] == after[key]
    return str(before[key]) if same else f"{before[key]} → {after[key]}"


def _change(action: Document) -> str:
    if "changed" in action:
        return ", ".join(action["changed"])
    if "previous_roles" in action:
        return f"{', '.join(action['previous_roles'])} → {', '.join(action['roles'])}"
    return f"{action['previous_tier'] or 'no seat'} → {action['tier'] or 'no seat'}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")

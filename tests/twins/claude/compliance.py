"""What happened, what was counted and what is set in an organisation, as its APIs tell it."""

from datetime import date, datetime, timedelta

from tests.twins.claude.answers import Answer, Request, bad, none
from tests.twins.claude.organization import Body, Organization


def activities(org: Organization, request: Request) -> list[Body]:
    """Those of the types and of the time that were asked for, the newest first."""
    wanted, since = request.all("activity_types[]"), request.first("created_at.gte")
    return [
        row
        for row in org.activities
        if (not wanted or row["type"] in wanted)
        and (not since or datetime.fromisoformat(row["created_at"]) >= datetime.fromisoformat(since))
    ]


def summaries(org: Organization, request: Request) -> Answer:
    """Each day is told three days after it was over; the numbers are those of now."""
    day = date.fromisoformat(request.first("starting_date") or "")
    if org.clock.now().date() - day < timedelta(days=4):
        return bad("starting_date: not counted yet")
    row = {
        "starting_date": day.isoformat(),
        "assigned_seat_count": sum(org.tier_of[key] is not None for key in org.members),
        "pending_invite_count": sum(key in org.tier_of for key in org.invites),
    }
    if request.version == "2023-06-01":
        return Answer(200, {"summaries": [row]})
    return Answer(200, {"data": [row], "next_page": None})


def settings(org: Organization, identifier: str) -> Answer:
    if identifier != org.id:
        return none("organization")
    return Answer(200, {"sso_provisioning_mode": org.mode})

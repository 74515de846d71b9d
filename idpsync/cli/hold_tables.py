"""Plans that wait for a person, for people."""

from datetime import timedelta

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from idpsync.core.records import HeldPlan, HoldState


def show_holds(console: Console, held: tuple[HeldPlan, ...]) -> None:
    """Held plans, newest first; the commands stand on lines of their own, to be copied."""
    if not held:
        console.print("No plan was held.")
    for plan in held:
        decided = f" by {plan.decided_by}" if plan.decided_by else ""
        console.print(Text(f"{plan.held_at:%Y-%m-%d %H:%M} UTC  {plan.state}{decided}", style="bold"))
        _show_reasons(console, plan)
        waits = plan.state is HoldState.HELD
        for word in ("idpsync approve", "idpsync reject") if waits else ("digest",):
            console.print(Text(f"  {word} {plan.digest}"), soft_wrap=True)


def show_approval(console: Console, plan: HeldPlan, lasts: timedelta) -> None:
    """What was approved, until when, and how to carry it out at once."""
    console.print("Approved, over these limits and no others:")
    _show_reasons(console, plan)
    until = f"{plan.decided_at + lasts:%Y-%m-%d %H:%M} UTC" if plan.decided_at else "it is used"
    console.print(
        f"It passes once, until {until}, if it is still the same plan: at the next run, or now with"
    )
    console.print(Text(f"  idpsync apply --digest {plan.digest}"), soft_wrap=True)


def _show_reasons(console: Console, plan: HeldPlan) -> None:
    for why in plan.tripped:
        console.print(Padding(Text(why), (0, 0, 0, 2)))

"""Plans that wait for a person, for people."""

from rich.console import Console
from rich.text import Text

from idpsync.core.records import HeldPlan, HoldState


def show_holds(console: Console, held: tuple[HeldPlan, ...]) -> None:
    """Held plans, newest first; the commands stand on lines of their own, to be copied."""
    if not held:
        console.print("No plan was held.")
    for plan in held:
        decided = f" by {plan.decided_by}" if plan.decided_by else ""
        console.print(Text(f"{plan.held_at:%Y-%m-%d %H:%M} UTC  {plan.state}{decided}", style="bold"))
        for why in plan.tripped:
            console.print(Text(f"  {why}"))
        waits = plan.state is HoldState.HELD
        for word in ("idpsync approve", "idpsync reject") if waits else ("digest",):
            console.print(Text(f"  {word} {plan.digest}"), soft_wrap=True)

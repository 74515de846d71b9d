"""The console door: headroom, wait list, plans, runs, alerts and ledger, for people and scripts."""

from idpsync.console.app import create_console
from idpsync.console.health import create_health
from idpsync.console.ports import ConsolePorts, Organization, Viewer

__all__ = ["ConsolePorts", "Organization", "Viewer", "create_console", "create_health"]

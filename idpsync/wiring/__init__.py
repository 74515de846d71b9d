"""From a configuration to a house. Alone knows every name; no logic but `which kind`."""

from idpsync.wiring.clock import CLOCK, SystemClock
from idpsync.wiring.doors import daemon, web
from idpsync.wiring.house import House, build, open_books, open_unchecked
from idpsync.wiring.login import SESSION_KEY, session_key
from idpsync.wiring.mail import login_link
from idpsync.wiring.probes import contract_differences, not_built, probe

__all__ = [
    "CLOCK",
    "SESSION_KEY",
    "House",
    "SystemClock",
    "build",
    "contract_differences",
    "daemon",
    "login_link",
    "not_built",
    "open_books",
    "open_unchecked",
    "probe",
    "session_key",
    "web",
]

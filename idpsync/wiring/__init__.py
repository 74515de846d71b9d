"""From a configuration to a house. Alone knows every name; no logic but `which kind`.

Each name is imported when it is first asked for: a plan needs neither the web nor the login door, which
take longer to import than a plan of a thousand people.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idpsync.wiring.clock import CLOCK, SystemClock
    from idpsync.wiring.doors import daemon, web
    from idpsync.wiring.house import House, build, open_books, open_unchecked
    from idpsync.wiring.login import SESSION_KEY, session_key
    from idpsync.wiring.mail import login_link
    from idpsync.wiring.probes import contract_differences, not_built, probe

_MODULES = {
    "clock": ("CLOCK", "SystemClock"),
    "doors": ("daemon", "web"),
    "house": ("House", "build", "open_books", "open_unchecked"),
    "login": ("SESSION_KEY", "session_key"),
    "mail": ("login_link",),
    "probes": ("contract_differences", "not_built", "probe"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)

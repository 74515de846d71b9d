"""What one service provider can do: defaults, then discovery as a hint, then what was learned."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from idpsync.scim_client.messages import member, read_bool

USUAL_PAGE = 100
LARGEST_PAGE = 500  # of resources of 16 kB it fills what one answer may have


class Update(StrEnum):
    """How attributes of an existing resource are written."""

    PATH = "path"  # PATCH, every operation with a path (RFC 7644 §3.5.2)
    PATHLESS = "pathless"  # PATCH, one operation whose value holds the attributes
    PUT = "put"  # GET, merge, PUT (RFC 7644 §3.5.1)


@dataclass(frozen=True, slots=True)
class ScimProfile:
    """`lags` are the seconds waited before each look-up after a create of unknown outcome."""

    update: Update = Update.PATH
    filters: bool = True
    page_size: int = USUAL_PAGE
    cursors: bool = False  # listings go by cursor (RFC 9865), which nothing that is deleted can shift
    lags: tuple[float, ...] = (0.5, 2.0, 5.0)
    creates: int = 3

    def hinted(self, config: Mapping[str, object]) -> "ScimProfile":
        """With what a ServiceProviderConfig denies, limits or allows; silence changes nothing.

        RFC 7643 §5; `pagination` is that of RFC 9865 §4.
        """
        profile = self
        if _says_no(config, "patch"):
            profile = replace(profile, update=Update.PUT)
        if _says_no(config, "filter"):
            profile = replace(profile, filters=False)
        if read_bool(_feature(config, "pagination").get("cursor")):
            profile = replace(profile, cursors=True)
        told = (
            _feature(config, "filter").get("maxResults"),
            _feature(config, "pagination").get("maxPageSize"),
        )
        limits = [limit for limit in told if isinstance(limit, int) and limit > 0]
        return replace(profile, page_size=min(*limits, LARGEST_PAGE)) if limits else profile

    def differences(self, old: "ScimProfile") -> dict[str, object]:
        """What is different from `old`, fit for a log."""
        names = ("update", "filters", "page_size", "cursors")
        return {n: str(getattr(self, n)) for n in names if getattr(self, n) != getattr(old, n)}


def _feature(config: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = member(config, name)
    return value if isinstance(value, dict) else {}


def _says_no(config: Mapping[str, object], name: str) -> bool:
    return read_bool(member(_feature(config, name), "supported")) is False

"""Where somebody is sent after signing in: a path on this very host, or nowhere."""

from urllib.parse import urlsplit

from werkzeug.urls import iri_to_uri

LONGEST = 2048


def local_path(wanted: str | None) -> str | None:
    """`wanted` as a URI path that no browser can read as another host; None when it is anything else.

    Paths of the login door itself are refused too: they would send the browser round in circles.
    """
    if not wanted or len(wanted) > LONGEST or not wanted.startswith("/"):
        return None
    if "\\" in wanted or not wanted.isprintable() or " " in wanted:
        return None
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or "//" in parts.path:
        return None
    if parts.path == "/saml" or parts.path.startswith(("/saml/", "/demo-idp/")):
        return None
    return iri_to_uri(wanted)

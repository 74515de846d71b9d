"""python3-saml 1.16.0 and xmlsec, made ready once per process.

What is set right here: nothing outside the document can be read; time comes from our clock; the XML
schema is compiled once per thread instead of once per login. Each replaced name is checked to exist.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import onelogin.saml2
import xmlsec
from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from idpsync.core.errors import ConfigError

WANTED = "1.16.0"
_SCHEMAS = Path(onelogin.saml2.__file__).parent / "schemas"
_MOMENT: ContextVar[datetime | None] = ContextVar("moment", default=None)

LIBRARY_FAULTS = (
    OneLogin_Saml2_Error,
    OneLogin_Saml2_ValidationError,
    xmlsec.Error,
    etree.LxmlError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What comes out of the library when it is given a document it cannot digest."""


def prepare_library() -> None:
    """Make the library safe for this process; may be called again. ConfigError on another version."""
    found = version("python3-saml")
    if found != WANTED:
        raise ConfigError(f"python3-saml {WANTED} is wanted, {found} is installed: reinstall idpsync")
    xmlsec.cleanup_callbacks()  # no resolver is left: a file or a URL cannot be opened
    _replace(OneLogin_Saml2_Utils, "now", _now)
    _replace(OneLogin_Saml2_Utils, "parse_time_to_SAML", _saml_time)
    _replace(OneLogin_Saml2_XML, "validate_xml", _validate)


def _replace(owner: type, name: str, function: object) -> None:
    if not hasattr(owner, name):
        raise ConfigError(f"python3-saml {WANTED} has no {owner.__name__}.{name}: reinstall idpsync")
    setattr(owner, name, staticmethod(function))  # type: ignore[arg-type]


@contextmanager
def at_moment(moment: datetime) -> Iterator[None]:
    """Let the library believe that it is `moment`, in this thread, for the length of the block."""
    token = _MOMENT.set(moment)
    try:
        yield
    finally:
        _MOMENT.reset(token)


def _now() -> int:
    return int((_MOMENT.get() or datetime.now(UTC)).timestamp())


def _saml_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _validate(xml: object, schema: str, debug: bool = False) -> object:  # noqa: ARG001, FBT002
    """The library's signature and answers: the tree, or one of two words."""
    try:
        tree = OneLogin_Saml2_XML.to_etree(xml)
    except LIBRARY_FAULTS:
        return "unloaded_xml"
    return tree if _schema(schema, threading.get_ident()).validate(tree) else "invalid_xml"


@functools.lru_cache(maxsize=64)
def _schema(name: str, thread: int) -> etree.XMLSchema:  # noqa: ARG001
    """One per thread: a compiled schema keeps the log of the last validation in itself."""
    return etree.XMLSchema(etree.parse(str(_SCHEMAS / name)))

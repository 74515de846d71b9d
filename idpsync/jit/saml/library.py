"""python3-saml 1.16.0 and xmlsec, made ready once per process.

What is set right here: nothing outside the document can be read; a signature may use the algorithms of
`names` and no others; time comes from our clock; schema, XPath and keys are made ready once instead of
once per login. Each replaced name is checked to exist. No verdict is ever kept.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onelogin.saml2
import xmlsec as _xmlsec
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from idpsync.core.errors import ConfigError

xmlsec: Any = _xmlsec  # its type stubs name almost nothing

WANTED = "1.16.0"
_SCHEMAS = Path(onelogin.saml2.__file__).parent / "schemas"
_TRANSFORMS = (
    xmlsec.Transform.ENVELOPED,
    xmlsec.Transform.EXCL_C14N,
    xmlsec.Transform.SHA256,
    xmlsec.Transform.SHA384,
    xmlsec.Transform.SHA512,
    xmlsec.Transform.RSA_SHA256,
    xmlsec.Transform.RSA_SHA384,
    xmlsec.Transform.RSA_SHA512,
    xmlsec.Transform.ECDSA_SHA256,
    xmlsec.Transform.ECDSA_SHA384,
    xmlsec.Transform.ECDSA_SHA512,
)
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
    _replace(OneLogin_Saml2_Utils, "parse_SAML_to_time", _seconds)
    _replace(OneLogin_Saml2_Utils, "validate_node_sign", _verify_node)
    _replace(OneLogin_Saml2_XML, "query", _query)
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


def _seconds(text: str) -> int:
    """SAML core §1.3.3: UTC, "Z" or an offset of none. The library knows no fraction but its own."""
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("a time of another zone")
    return int(instant.timestamp())


def _query(
    dom: etree._Element, query: str, context: etree._Element | None = None, tagid: str | None = None
) -> object:
    source = dom if context is None else context
    path = _path(query)
    return path(source) if tagid is None else path(source, tagid=tagid)


@functools.lru_cache(maxsize=128)
def _path(query: str) -> etree.XPath:
    """The library asks some forty questions, always the same."""
    return etree.XPath(query, namespaces=OneLogin_Saml2_Constants.NSMAP)


def _verify_node(
    signature_node: etree._Element,
    elem: etree._Element,  # noqa: ARG001
    cert: str | None = None,
    *_: object,
    raise_exceptions: bool = False,
    **__: object,
) -> bool:
    """Whether the certificate's key made this signature. Nothing inside the document is a key."""
    if not cert:
        raise OneLogin_Saml2_Error("no certificate to verify with", OneLogin_Saml2_Error.CERT_NOT_FOUND)
    context = xmlsec.SignatureContext()
    context.key = _key(cert, threading.get_ident())
    context.set_enabled_key_data([xmlsec.KeyData.X509])
    for transform in _TRANSFORMS:
        context.enable_signature_transform(transform)
        context.enable_reference_transform(transform)
    try:
        context.verify(signature_node)
    except xmlsec.Error:
        if raise_exceptions:
            raise
        return False
    return True


@functools.lru_cache(maxsize=256)
def _key(certificate: str, thread: int) -> Any:  # noqa: ARG001
    return xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM, None)


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

"""Our side of SAML: the request that starts a login, the verification that ends it, our metadata."""

import base64
import binascii
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from idpsync.core.errors import AssertionRejected, ConfigError, Problem
from idpsync.jit.saml import names
from idpsync.jit.saml.checks import Assertion, Expectation, read_assertion
from idpsync.jit.saml.library import LIBRARY_FAULTS, at_moment, prepare_library
from idpsync.jit.saml.metadata import IdpMetadata
from idpsync.jit.saml.screen import PLAIN, SEALED, Places, screen

_FAR_AHEAD = "2099-12-31T00:00:00Z"  # the library's default is two days: admins upload expired files


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Our key, PEM: signs requests, opens encrypted assertions. Its form as text hides the key."""

    private_key: str
    certificate: str

    def __repr__(self) -> str:
        return "KeyPair(…)"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Where to send the browser, and the id that the assertion must answer."""

    url: str
    request_id: str


class ServiceProvider:
    """One connection: we, at `base_url`, and one identity provider.

    Safe to share between threads. Endpoints are made from `base_url` alone, never from a request.
    """

    def __init__(self, base_url: str, keys: KeyPair | None = None, *, skew: timedelta) -> None:
        prepare_library()
        self.entity_id = f"{base_url}/saml/metadata"
        self.acs_url = f"{base_url}/saml/acs"
        self._keys = keys
        self._skew = skew
        self._known: tuple[IdpMetadata, OneLogin_Saml2_Settings] | None = None

    def start(self, idp: IdpMetadata, relay_state: str, now: datetime) -> LoginRequest:
        """A fresh AuthnRequest; signed when we have a key."""
        auth = _Auth(self._request(), self._settings(idp))
        auth.sso_url = idp.sso_url
        with at_moment(now):
            url = auth.login(return_to=relay_state)
        return LoginRequest(url=url, request_id=auth.get_last_request_id())

    def verify(
        self, idp: IdpMetadata, saml_response: str, request_id: str | None, now: datetime
    ) -> Assertion:
        """The assertion inside a POSTed SAMLResponse; AssertionRejected for every reason there is."""
        raw = _decode(saml_response)
        try:
            response = _ScreenedResponse(self._settings(idp), raw, SEALED if self._keys else PLAIN)
        except LIBRARY_FAULTS as error:
            raise AssertionRejected(f"it cannot be read: {type(error).__name__}") from error
        # the library allows no skew for a confirmation; what it is too lenient in is checked below
        with at_moment(now - self._skew):
            valid = response.is_valid(self._request(), request_id)
        if not valid:
            raise AssertionRejected(f"verification: {str(response.get_error())[:300]}")
        expected = Expectation(
            issuer=idp.entity_id,
            audience=self.entity_id,
            acs_url=self.acs_url,
            request_id=request_id,
            now=now,
            skew=self._skew,
        )
        return read_assertion(response.get_xml_document(), expected)

    def metadata(self) -> bytes:
        """Our metadata, for the administrator of the identity provider."""
        settings = OneLogin_Saml2_Settings(self._declaration(None), sp_validation_only=True)
        document = settings.get_sp_metadata()
        return document if isinstance(document, bytes) else str(document).encode()

    def _settings(self, idp: IdpMetadata) -> OneLogin_Saml2_Settings:
        """Built once per state of the identity provider's metadata: it costs as much as a login."""
        known = self._known
        if known is None or known[0] != idp:
            known = (idp, OneLogin_Saml2_Settings(self._declaration(idp)))
            self._known = known
        return known[1]

    def _declaration(self, idp: IdpMetadata | None) -> dict[str, object]:
        return {
            "strict": True,
            "debug": False,
            "sp": {
                "entityId": self.entity_id,
                "assertionConsumerService": {"url": self.acs_url, "binding": names.POST},
                "NameIDFormat": names.UNSPECIFIED,
                "x509cert": self._keys.certificate if self._keys else "",
                "privateKey": self._keys.private_key if self._keys else "",
            },
            "idp": _idp_declaration(idp) if idp else {},
            "security": {
                "authnRequestsSigned": self._keys is not None,
                "wantAssertionsSigned": True,
                "wantMessagesSigned": False,
                "wantAttributeStatement": False,
                "rejectDeprecatedAlgorithm": True,
                "requestedAuthnContext": False,
                "allowRepeatAttributeName": True,
                "allowSingleLabelDomains": True,
                "metadataValidUntil": _FAR_AHEAD,
            },
        }

    def _request(self) -> dict[str, object]:
        """Where we are, for the library: from the configuration, never from a header."""
        acs = urlsplit(self.acs_url)
        return {
            "http_host": acs.netloc,
            "https": "on" if acs.scheme == "https" else "off",
            "script_name": acs.path,
            "get_data": {},
        }


class _Auth(OneLogin_Saml2_Auth):  # type: ignore[misc]
    """The library writes the URL of its settings into the XML as it is, so there it stands escaped."""

    sso_url: str

    def get_sso_url(self) -> str:
        return self.sso_url


class _ScreenedResponse(OneLogin_Saml2_Response):  # type: ignore[misc]
    """The library's response over a tree that was screened before anything else looked at it.

    Takes the place of the library's constructor (1.16.0), which decrypts before it checks.
    """

    def __init__(self, settings: OneLogin_Saml2_Settings, raw: bytes, places: Places) -> None:
        self._settings = settings
        self._error = None
        self.response = raw
        self.document = OneLogin_Saml2_XML.to_etree(raw)
        self.decrypted_document = None
        self.encrypted = None
        self.valid_scd_not_on_or_after = None
        screen(self.document, places)
        if self.document.find(names.ENCRYPTED_ASSERTION) is not None:
            self.encrypted = True
            self.decrypted_document = self._decrypt_assertion(deepcopy(self.document))
            screen(self.decrypted_document, PLAIN)


def _idp_declaration(idp: IdpMetadata) -> dict[str, object]:
    return {
        "entityId": idp.entity_id,
        "singleSignOnService": {"url": escape(idp.sso_url, {'"': "&quot;"}), "binding": names.REDIRECT},
        "x509certMulti": {"signing": list(idp.certificates)},
    }


def _decode(saml_response: str) -> bytes:
    try:
        return base64.b64decode("".join(saml_response.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AssertionRejected("it is not base64") from error


def load_keys(private_key: str, certificate: str) -> KeyPair:
    """Our key pair; ConfigError when the two do not belong together or cannot be read."""
    try:
        public = load_pem_private_key(private_key.encode(), password=None).public_key()
        certified = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except (ValueError, TypeError) as error:
        raise ConfigError(Problem("jit.sp_key", "key or certificate is not readable PEM")) from error
    if public != certified:
        raise ConfigError(Problem("jit.sp_key", "the key does not belong to sp_certificate"))
    return KeyPair(private_key, certificate)

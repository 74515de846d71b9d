"""The only home of python3-saml and xmlsec: the service provider side of SAML 2.0."""

from idpsync.jit.saml.checks import Assertion
from idpsync.jit.saml.metadata import IdpMetadata, read_idp_metadata
from idpsync.jit.saml.provider import KeyPair, LoginRequest, ServiceProvider, load_keys

__all__ = [
    "Assertion",
    "IdpMetadata",
    "KeyPair",
    "LoginRequest",
    "ServiceProvider",
    "load_keys",
    "read_idp_metadata",
]

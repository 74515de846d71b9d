"""A client of SCIM 2.0 service providers (RFC 7643, RFC 7644), as they are found in the field."""

from idpsync.scim_client.client import Creation, ScimClient
from idpsync.scim_client.messages import RemoteUser
from idpsync.scim_client.profile import ScimProfile, Update

__all__ = ["Creation", "RemoteUser", "ScimClient", "ScimProfile", "Update"]

"""A client of SCIM 2.0 service providers (RFC 7643, RFC 7644), as they are found in the field."""

from idpsync.scim_client.client import Creation, ScimClient
from idpsync.scim_client.messages import RemoteGroup, RemoteUser
from idpsync.scim_client.profile import ScimProfile, Update
from idpsync.scim_client.reader import ScimReader

__all__ = ["Creation", "RemoteGroup", "RemoteUser", "ScimClient", "ScimProfile", "ScimReader", "Update"]

"""What Entra and Graph say when they refuse, as our errors: what happened, and what to do next."""

import re
from collections.abc import Mapping

from idpsync.answers import NotJson, Response, read_json, scrubbed
from idpsync.core.errors import CredentialsRejected, Refused, RemoteError, Transient

SYSTEM = "entra"

READ_MEMBERS, READ_HIDDEN = "GroupMember.Read.All", "Member.Read.Hidden"
READ_PEOPLE, READ_ASSIGNED = "User.Read.All", "Application.Read.All"
WRITE_MEMBERS = "GroupMember.ReadWrite.All"
"""App roles of Graph, the least that each kind of request needs."""

# learn.microsoft.com, "Microsoft Entra authentication and authorization error codes"
REMEDIES: Mapping[str, str] = {
    "AADSTS7000215": "the client secret is wrong: give its value, not its id (auth.secret)",
    "AADSTS7000222": "the client secret has expired: make a new one in the app registration and put it "
    "where auth.secret points",
    "AADSTS700016": "the tenant has no application with this id: check auth.client_id and tenant_id",
    "AADSTS90002": "there is no tenant of this name: check tenant_id and cloud",
    "AADSTS900023": "tenant_id is neither a tenant's id nor a domain of it: check tenant_id",
    "AADSTS700027": "the certificate is not one of this application: upload the one that "
    "auth.certificate points to in the app registration",
    "AADSTS1000502": "the certificate is expired or not valid yet: upload a new one and put it where "
    "auth.certificate points",
    "AADSTS700024": "the assertion is not valid at this time",
    "AADSTS70021": "no federated credential of the application has this issuer and subject",
    "AADSTS700211": "no federated credential of the application has the issuer of auth.token_file",
    "AADSTS700213": "no federated credential of the application has the subject of auth.token_file",
    "AADSTS700212": "no federated credential of the application has the audience of auth.token_file",
    "AADSTS7000112": "the application is disabled in this tenant: enable it under Enterprise "
    "applications",
}
_CODE = re.compile(r"AADSTS\d+")


class StateLost(Transient):
    """Graph no longer knows where we were in its changes: only a whole read tells what is."""


def sign_in_error(operation: str, response: Response, skew: str) -> RemoteError:
    """The error for a token that was refused. `skew` tells how wrong our clock is, "" if it is not."""
    said = scrubbed(_told(response, "error_description"))
    code = match[0] if (match := _CODE.search(said)) else ""
    if not code:
        return CredentialsRejected(
            SYSTEM, operation, f"HTTP {response.status}: {said or 'no reason given'}"
        )
    remedy = REMEDIES.get(code, said)
    return CredentialsRejected(SYSTEM, operation, f"{code}: {remedy}{f'; {skew}' if skew else ''}")


def graph_code(response: Response) -> str:
    """Graph's own code of an error, "" where the body tells none."""
    return _told(response, "code")


def graph_detail(response: Response) -> str:
    """What Graph says of an error, its code first; "" where that is no Graph error."""
    code, message = _told(response, "code"), _told(response, "message")
    return ": ".join(filter(None, (code, message)))


def lacks(operation: str, role: str, *, writes: bool = False) -> RemoteError:
    """403: an app role is missing."""
    remedy = f"grant the app registration {role} for Microsoft Graph and give admin consent"
    reason = f"HTTP 403: the app role {role} is missing: {remedy}"
    return (Refused if writes else CredentialsRejected)(SYSTEM, operation, reason)


def _told(response: Response, key: str) -> str:
    try:
        told = read_json(response.body)
    except NotJson:
        return ""
    inner = told.get("error")
    value = inner.get(key) if isinstance(inner, dict) else told.get(key)
    return value if isinstance(value, str) else ""

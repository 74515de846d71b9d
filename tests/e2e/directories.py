"""`directory:` for the servers and twins that tests start."""

from typing import Any

from tests.samba import Samba
from tests.slapd import Slapd
from tests.twins.graph.server import GraphTwin


def slapd_directory(slapd: Slapd, *, bind_dn: str | None = None) -> dict[str, Any]:
    """Read as whoever may only read, or as `bind_dn`."""
    return {
        "kind": "ldap",
        "url": slapd.ldaps_url,
        "ca_file": str(slapd.ca_file),
        "bind_dn": bind_dn or slapd.bind_dn,
        "password": f"file:{slapd.password_file}",
        "user_base": slapd.people_base,
        "group_base": slapd.groups_base,
    }


def samba_directory(samba: Samba, folder: str, *, bind_dn: str) -> dict[str, Any]:
    """People and groups of the folder with this DN."""
    return {
        "kind": "ldap",
        "flavor": "ad",
        "url": samba.ldaps_url,
        "ca_file": str(samba.ca_file),
        "server_name": samba.server_name,
        "bind_dn": bind_dn,
        "password": f"file:{samba.password_file}",
        "user_base": folder,
        "group_base": folder,
        "user_name_attribute": "sAMAccountName",
    }


def graph_directory(twin: GraphTwin, secret: str) -> dict[str, Any]:
    """`secret` says where the secret of the application stands."""
    return {
        "kind": "entra",
        "tenant_id": twin.door.tenant,
        "login_url": twin.url,
        "graph_url": twin.url,
        "service_principal_id": twin.tenant.application_id,
        "auth": {"kind": "client_secret", "client_id": twin.door.client_id, "secret": secret},
    }

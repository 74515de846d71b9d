"""Reads a tenant with Microsoft's own client, `msgraph-sdk`, and prints what it saw as JSON.

Runs in a virtual environment of its own (`make build/msgraph.stamp`): the package is large.
"""

import asyncio
import json
import sys
from typing import Any

from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter

Page = Any
SELECT = ["id", "userPrincipalName", "mail", "accountEnabled", "userType"]


async def pages(builder: Any, config: Any = None) -> list[Page]:
    """Every page from the builder's address on, followed as the client follows them."""
    read = [await builder.get(request_configuration=config)]
    while read[-1].odata_next_link:
        read.append(await builder.with_url(read[-1].odata_next_link).get())
    return read


async def read(url: str, application: str) -> dict[str, Any]:
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider())
    adapter.base_url = f"{url}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    options = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=SELECT)
    users = await pages(client.users, RequestConfiguration(query_parameters=options))
    groups = [group for page in await pages(client.groups) for group in page.value]
    members = {}
    for group in groups:
        told = await pages(client.groups.by_group_id(group.id).members)
        members[group.display_name] = sorted(one.id for page in told for one in page.value)
    people = await pages(client.users.delta)
    changes = await pages(client.groups.delta)
    service = client.service_principals.by_service_principal_id(application)
    assigned = await pages(service.app_role_assigned_to)
    again = await pages(client.users.delta.with_url(people[-1].odata_delta_link))
    return {
        "users": {
            user.id: [user.user_principal_name, user.mail, user.account_enabled, user.user_type]
            for page in users
            for user in page.value
        },
        "members": members,
        "people": sorted(user.id for page in people for user in page.value),
        "groups": _members_told(changes),
        "assigned": [
            [one.principal_type, str(one.principal_id)] for page in assigned for one in page.value
        ],
        "again": [user.id for page in again for user in page.value],
        "pages": [len(users), len(people), len(changes)],
    }


def _members_told(changes: list[Page]) -> dict[str, list[str]]:
    """`members@delta` by group name, put together from wherever they came."""
    told: dict[str, set[str]] = {}
    for page in changes:
        for group in page.value:
            rows = group.additional_data.get("members@delta") or []
            told.setdefault(group.display_name, set()).update(_id_of(row) for row in rows)
    return {name: sorted(ids) for name, ids in told.items()}


def _id_of(row: Any) -> str:
    return str(row["id"] if isinstance(row, dict) else row.id)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(read(*sys.argv[1:]))))

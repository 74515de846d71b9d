"""A SCIM service provider that costs as little as Python can: pages of people rendered once.

    python -m benchmarks.scim_stub PEOPLE

Prints its address. Speaks enough of RFC 7644 for a listing, with keep-alive; everybody is as in
`tests.slapd_entries.person_number`, every fourth with the better tier. Its CPU time is nobody's concern.
"""

import json
import re
import socketserver
import sys

from tests.slapd_entries import entry_uuid, person_number

TOKEN = "benchmark-token"
PREMIUM_EVERY = 4
MOST = 2000  # rows of one page
_QUERY = re.compile(rb"startIndex=(\d+)&count=(\d+)")
_LISTING = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n"
_CONFIG = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": {"supported": True},
    "filter": {"supported": True, "maxResults": MOST},
}


def tier_of(number: int) -> str:
    """What the n-th person has, at the provider as in the directory."""
    return "premium" if number % PREMIUM_EVERY == 0 else "standard"


def user(number: int) -> dict[str, object]:
    """The User resource of the n-th person, as providers really tell it."""
    person = person_number(number)
    identifier = f"{number:08x}-0000-4000-8000-{number:012x}"
    stamp = "2026-03-01T10:00:00Z"
    return {
        "schemas": [_USER],
        "id": identifier,
        "externalId": entry_uuid(person.uid),
        "userName": person.uid,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "displayName": f"{person.given_name} {person.family_name}",
        "emails": [{"value": person.mail, "type": "work", "primary": True}],
        "active": True,
        "entitlements": [{"value": tier_of(number), "type": "seat"}],
        "meta": {
            "resourceType": "User",
            "created": stamp,
            "lastModified": stamp,
            "location": f"/Users/{identifier}",
            "version": f'W/"{number}"',
        },
    }


class Provider:
    """The rows, rendered, and what is answered with them."""

    def __init__(self, people: int) -> None:
        self.rows = [json.dumps(user(number)).encode() for number in range(people)]
        self.config = json.dumps(_CONFIG).encode()

    def body(self, line: bytes) -> bytes:
        """The answer to one request line."""
        asked = _QUERY.search(line)
        if asked is None:
            return self.config
        start, count = int(asked[1]), min(int(asked[2]), MOST)
        rows = self.rows[start - 1 : start - 1 + count]
        head = {"schemas": [_LISTING], "totalResults": len(self.rows), "startIndex": start}
        told = json.dumps({**head, "itemsPerPage": len(rows)}).encode()
        return told[:-1] + b', "Resources": [' + b",".join(rows) + b"]}"


class Visit(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        provider = self.server.provider  # type: ignore[attr-defined]
        while line := self.rfile.readline():
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            body = provider.body(line)
            self.wfile.write(_HEAD % len(body) + body)


def main() -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visit)
    server.daemon_threads = True
    server.provider = Provider(int(sys.argv[1]))  # type: ignore[attr-defined]
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

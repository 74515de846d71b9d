"""Why Active Directory refused a login: it says so in a number inside the message (MS-ERREF 2.2).

`80090308: LdapErr: …, comment: AcceptSecurityContext error, data 532, v1db1`
"""

import re

_NUMBER = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]+)")
_MEANT = {
    "525": "no such account",
    "52e": "bind_dn or password is wrong",
    "530": "the account may not log in at this time: lift its logon hours",
    "531": "the account may not log in from here: lift its list of workstations",
    "532": "the account's password has expired: set a new one, and let it not expire",
    "533": "the account is disabled: enable it",
    "701": "the account has expired: set its end date later, or to never",
    "773": "the account has to change its password first: set one, without that demand",
    "775": "the account is locked after too many wrong passwords: unlock it",
}


def why_refused(message: str) -> str:
    """What to do about it, "" where the message has no number that is known."""
    found = _NUMBER.search(message)
    return _MEANT.get(found[1], "") if found else ""

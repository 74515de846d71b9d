"""Writes straight into the database of a Samba AD DC: run by the system's python, which knows `samba`.

    /usr/bin/python3 samba_fill.py smb.conf < orders.json

`orders` is a list of [verb, …]: ["add", {attribute: values}], ["password", account, text], ["allow", dn,
ace in SDDL, account], where @SID@ in the ace is the account's SID. All of them are one transaction.
"""

import json
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils


def main() -> None:
    settings = LoadParm()
    settings.load(sys.argv[1])
    database = SamDB(url=settings.private_path("sam.ldb"), session_info=system_session(), lp=settings)
    database.transaction_start()
    for order in json.load(sys.stdin):
        if order[0] == "add":
            database.add(order[1])
        elif order[0] == "password":
            database.setpassword(f"(sAMAccountName={order[1]})", order[2])
        else:
            allow(database, *order[1:])
    database.transaction_commit()


def allow(database: SamDB, dn: str, ace: str, account: str) -> None:
    base = database.domain_dn()
    (found,) = database.search(base, ldb.SCOPE_SUBTREE, f"(sAMAccountName={account})", ["objectSid"])
    sid = database.schema_format_value("objectSid", found["objectSid"][0]).decode()
    SDUtils(database).dacl_add_ace(dn, ace.replace("@SID@", sid))


if __name__ == "__main__":
    main()

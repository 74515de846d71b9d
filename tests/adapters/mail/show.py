"""Write the invitation as web pages, to look at: `python -m tests.adapters.mail.show FOLDER`."""

import argparse
from dataclasses import replace
from pathlib import Path

from tests.adapters.mail.parts import letters
from tests.contracts.courier import INVITE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    invites = {"member": INVITE, "admin": replace(INVITE, role="admin", invited_by="cli:root")}
    for name, invite in invites.items():
        for language in ("en", "pt_BR"):
            page = letters().letter(invite, language).get_body(("html",))
            assert page is not None
            (folder / f"{name}-{language}.html").write_text(page.get_content(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""An Okta organisation that tests can put people, groups and faults into."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idpsync import jws
from idpsync.core.ports import Clock, DirectorySource
from idpsync.sources.okta.settings import OktaConfig
from idpsync.sources.okta.source import OktaSource
from tests.contracts.directory_source import Sample
from tests.twins.okta.organisation import EVERYONE
from tests.twins.okta.server import Answer, Fault, OktaTwin, running_okta
from tests.twins.okta.time import LivingClock

APP = "0oa1example"
CLIENT = "0oa2example"


class OktaWorld:
    """A twin, and sources that read it: the people of an application, or of groups."""

    def __init__(self, twin: OktaTwin, clock: LivingClock, key_file: Path, *, app: bool) -> None:
        self.twin, self.org, self.clock, self.key_file = twin, twin.org, clock, key_file
        self.app = app
        twin.org.apps[APP] = {}

    # --- as the contract asks for -----------------------------------------------------------------

    def put(self, person: Sample) -> None:
        names = {
            "firstName": person.given_name,
            "lastName": person.family_name,
            "email": person.email,
        }
        if self.org.named(person.uid):
            self.org.change(person.uid, **names)
            return
        row = self.org.add_person(person.uid, **names)
        self.org.assign(APP, [row["id"]])

    def remove(self, uid: str) -> None:
        self.org.deactivate(uid)
        row = self.org.named(uid)
        assert row
        row["profile"]["login"] = f"{uid}.left"

    def put_group(self, name: str, members: Iterable[str]) -> None:
        if name not in {team.name for team in self.org.teams.values()}:
            self.org.add_team(name)
        self.org.set_members(name, members)

    def rename_group(self, name: str, to: str) -> None:
        self.org.rename(name, to)

    def cut(self) -> None:
        """The second page of people never comes."""
        listing = f"apps/{APP}/users" if self.app else f"{self.org.team(EVERYONE).row['id']}/users"
        self.twin.faults.append(Fault(listing, in_single_file, unless="after="))
        self.twin.faults.append(Fault("after=", unavailable, times=1000))

    def go_away(self) -> None:
        self.twin.faults.append(Fault("/", unavailable, times=1000))
        self.twin.faults.append(Fault("/", unavailable, times=1000, method="POST"))
        self.twin.faults += [Fault("/", unavailable, times=1000, method=m) for m in ("PUT", "DELETE")]

    def source(self, *groups: str) -> OktaSource:
        return self.of(self.config(), *groups)

    def writer(self, *owned: str) -> DirectorySource:
        return self.of(self.config(), *owned, owned=frozenset(owned))

    def held(self, group: str) -> set[str]:
        return {self.org.people[one]["profile"]["login"] for one in self.org.team(group).members}

    def hide_members(self, group: str) -> None:
        team = self.org.team(group).row["id"]
        self.twin.faults.append(Fault(f"{team}/users", one_short, times=1000))
        self.twin.faults.append(Fault(f"{team}/users", one_short, times=1000))

    # --- and further ------------------------------------------------------------------------------

    def settings(self, **changed: Any) -> dict[str, Any]:
        who = {"app_id": APP} if self.app else {"people_groups": [EVERYONE]}
        auth = {"kind": "private_key_jwt", "client_id": CLIENT, "key": f"file:{self.key_file}"}
        return {"kind": "okta", "url": self.twin.url, "auth": auth, **who, **changed}

    def config(self, **changed: Any) -> OktaConfig:
        return OktaConfig.model_validate(self.settings(**changed))

    def of(
        self,
        config: OktaConfig,
        *groups: str,
        owned: frozenset[str] = frozenset(),
        clock: Clock | None = None,
    ) -> OktaSource:
        return OktaSource(
            config,
            clock=clock or self.clock,
            groups=frozenset(groups),
            owned=owned,
            timer=self.clock.timer,
        )

    def id_of(self, uid: str) -> str:
        row = self.org.named(uid)
        assert row
        return str(row["id"])

    def staff(self, people: int, **groups: int) -> None:
        """So many people, and groups of the first so many of them; an hour ago."""
        ids = [self.org.add_person(f"u{n:05}@acme.example")["id"] for n in range(people)]
        self.org.assign(APP, ids)
        for name, size in groups.items():
            self.org.add_team(name)
            self.org.join(name, ids[:size])
        self.clock.pass_(timedelta(hours=1))


@contextmanager
def okta_world(folder: Path, *, app: bool = False) -> Iterator[OktaWorld]:
    clock, key = LivingClock(), jws.new_key()
    key_file = folder / "okta.pem"
    key_file.write_bytes(private_pem(key))
    with running_okta(clock, key.public_key()) as twin:
        yield OktaWorld(twin, clock, key_file, app=app)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# --- what may happen to an answer ---------------------------------------------------------------------


def unavailable(answer: Answer) -> Answer:
    return Answer(503, {"errorCode": "E0000010", "errorSummary": "Service is in read only mode"})


def in_single_file(answer: Answer) -> Answer:
    """One person, and a link to the rest."""
    assert isinstance(answer.body, list)
    me = next(value for name, value in answer.headers if name == "link").partition(">")[0][1:]
    answer.body = answer.body[:1]
    after = f'<{me}&after={answer.body[0]["id"]}>; rel="next"'
    answer.headers = [*answer.headers, ("link", after)]
    return answer


def one_short(answer: Answer) -> Answer:
    """A page that ends well and shows nobody."""
    answer.body = []
    return answer

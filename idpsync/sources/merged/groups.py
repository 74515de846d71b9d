"""One group in several directories: whoever is in it in any of them."""

from collections.abc import Iterable, Sequence

from idpsync.core.model import Coverage, DirectorySnapshot, Group, Proof
from idpsync.sources.merged.parts import PartRead
from idpsync.sources.merged.people import People

JOINT = "+"  # stands between the ids of a group that several directories have
CUT = frozenset({Coverage.PARTIAL, Coverage.FAILED})


def united(name: str, reads: Sequence[PartRead], people: People) -> Group:
    """The group of this name in all of them.

    COMPLETE where each directory read it whole or says that it has none, and one has it; GONE where all
    say so. Its id is made of the ids of those that have it: one that loses it shows as another group.
    """
    found = [(read, _of(read, name)) for read in reads]
    holders = [(read, group) for read, group in found if group.coverage is not Coverage.GONE]
    there = [(read, group) for read, group in holders if group.members is not None]
    coverage = _coverage([group for _, group in found], readable=bool(there))
    members = None
    if there:
        members = frozenset(
            key for read, group in there for key in people.ids(read.part, group.members or ())
        )
    return Group(
        name=name,
        external_id=JOINT.join(group.external_id for _, group in there) or name,
        members=members,
        coverage=coverage,
        reason="; ".join(_reasons(found if coverage is Coverage.GONE else holders)),
        proof=_proof(there),
    )


def others(snapshots: Iterable[DirectorySnapshot]) -> dict[str, str]:
    """Groups that nothing asks for, id → name; also under the id that is made of several ones."""
    found: dict[str, str] = {}
    ids: dict[str, list[str]] = {}
    for snapshot in snapshots:
        for key, name in snapshot.other_groups.items():
            found[key] = name
            ids.setdefault(name, []).append(key)
    return found | {JOINT.join(keys): name for name, keys in ids.items()}


def _of(read: PartRead, name: str) -> Group:
    if read.snapshot is None:
        return Group(name, name, None, Coverage.FAILED, "was not read")
    listed = next((group for group in read.snapshot.groups if group.name == name), None)
    return listed or Group(name, name, None, Coverage.FAILED, "the read does not list it")


def _coverage(groups: Iterable[Group], *, readable: bool) -> Coverage:
    said = {group.coverage for group in groups}
    if said & CUT:
        return Coverage.PARTIAL if readable else Coverage.FAILED
    if Coverage.SUSPECT in said:
        return Coverage.SUSPECT
    return Coverage.GONE if said == {Coverage.GONE} else Coverage.COMPLETE


def _reasons(found: Iterable[tuple[PartRead, Group]]) -> Iterable[str]:
    return (
        f"directory '{read.part.name}': {group.reason or group.coverage}"
        for read, group in found
        if group.coverage is not Coverage.COMPLETE
    )


def _proof(there: Sequence[tuple[PartRead, Group]]) -> Proof | None:
    proofs = [(read.part.name, group.proof) for read, group in there if group.proof]
    return joined(proofs) if proofs and len(proofs) == len(there) else None


def joined(proofs: Sequence[tuple[str, Proof]]) -> Proof:
    """How several listings ended; `expected` is told where each one has a count."""
    counts = [proof.expected for _, proof in proofs if proof.expected is not None]
    return Proof(
        ended_by="; ".join(f"{name}: {proof.ended_by}" for name, proof in proofs),
        pages=sum(proof.pages for _, proof in proofs),
        expected=sum(counts) if len(counts) == len(proofs) else None,
    )

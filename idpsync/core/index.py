"""Keys, and the few things that bear each of them."""

from collections.abc import Iterable, Iterator


class Index:
    """Key → ids, for keys that mostly one id has. The empty key is nobody's."""

    __slots__ = ("_ids",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._ids: dict[str, tuple[str, ...]] = {}
        for key, id_ in pairs:
            self.add(key, id_)

    def add(self, key: str, id_: str) -> None:
        if key:
            self._ids[key] = (*self._ids.get(key, ()), id_)

    def remove(self, key: str, id_: str) -> None:
        """Take one pair away, if it is there."""
        ids = self._ids.get(key, ())
        if len(ids) > 1:
            self._ids[key] = tuple(i for i in ids if i != id_)
        elif ids == (id_,):
            del self._ids[key]

    def several(self) -> Iterator[str]:
        """The keys that more than one id bears."""
        return (key for key, ids in self._ids.items() if len(ids) > 1)

    def of(self, key: str) -> tuple[str, ...]:
        """The ids that bear the key."""
        return self._ids.get(key, ())

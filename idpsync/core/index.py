"""Keys, and the few things that bear each of them."""

from collections.abc import Iterable


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
        left = tuple(i for i in self._ids.get(key, ()) if i != id_)
        if left:
            self._ids[key] = left
        else:
            self._ids.pop(key, None)

    def of(self, key: str) -> tuple[str, ...]:
        """The ids that bear the key."""
        return self._ids.get(key, ())

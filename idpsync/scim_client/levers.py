"""Where a provider keeps the seat tier of a user. Only our own element is ever touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from idpsync.scim_client.messages import Element, Resource, member, read_elements, read_text, value_at


class Lever(Protocol):
    """How a seat value is read from and written to a User resource."""

    def read(self, raw: Resource) -> tuple[str, ...]:
        """The seat values of this user, as the provider spells them."""
        ...

    def change(self, raw: Resource, value: str | None) -> dict[str, object]:
        """The attribute by path as it must become; None takes the seat away."""
        ...

    def is_alone(self, raw: Resource) -> bool:
        """Whether the attribute holds nothing but what is ours."""
        ...


@dataclass(frozen=True)
class ElementLever:
    """One element of `entitlements` or `roles`.

    Ours is the element of `type`; without a type, the one whose value is among `values`.
    """

    attribute: str
    values: frozenset[str]
    type: str | None = None

    @cached_property
    def _ours(self) -> frozenset[str]:
        """What our element says, folded, where a type or a value tells it from others."""
        ours = self.values if self.type is None else (self.type,)
        return frozenset(each.casefold() for each in ours)

    def owns(self, element: Element) -> bool:
        """Whether this element is the one that says the tier."""
        told = member(element, "value" if self.type is None else "type")
        return (read_text(told) or "").casefold() in self._ours

    def read(self, raw: Resource) -> tuple[str, ...]:
        elements = read_elements(member(raw, self.attribute))
        values = (read_text(member(each, "value")) for each in elements if self.owns(each))
        return tuple(value for value in values if value)

    def change(self, raw: Resource, value: str | None) -> dict[str, object]:
        elements = read_elements(member(raw, self.attribute))
        if value and [each.casefold() for each in self.read(raw)] == [value.casefold()]:
            return {self.attribute: list(elements)}
        foreign = [each for each in elements if not self.owns(each)]
        return {self.attribute: [*foreign, *self._element(value)]}

    def is_alone(self, raw: Resource) -> bool:
        return all(map(self.owns, read_elements(member(raw, self.attribute))))

    def _element(self, value: str | None) -> list[Mapping[str, object]]:
        if value is None:
            return []
        return [{"value": value, "type": self.type} if self.type else {"value": value}]


@dataclass(frozen=True, slots=True)
class AttributeLever:
    """A single-valued text attribute: `userType`, or one of an extension."""

    path: str

    def read(self, raw: Resource) -> tuple[str, ...]:
        value = read_text(value_at(raw, self.path))
        return (value,) if value else ()

    def change(self, raw: Resource, value: str | None) -> dict[str, object]:  # noqa: ARG002 - the port's
        return {self.path: value}

    def is_alone(self, raw: Resource) -> bool:  # noqa: ARG002 - the port's
        return True


class NoLever:
    """The user resource says nothing of the tier: it is kept elsewhere."""

    def read(self, raw: Resource) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        return ()

    def change(self, raw: Resource, value: str | None) -> dict[str, object]:  # noqa: ARG002 - the port's
        return {}

    def is_alone(self, raw: Resource) -> bool:  # noqa: ARG002 - the port's
        return True

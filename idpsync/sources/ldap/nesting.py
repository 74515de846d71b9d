"""Groups inside groups: which of them lead to each other, inner ones first. Pure."""

from collections.abc import Callable, Iterable, Iterator


def circles(roots: Iterable[str], inner: Callable[[str], Iterable[str]]) -> Iterator[list[str]]:
    """Everything that `roots` lead to, in sets whose members all lead to each other.

    A set comes after every set that it leads to (Tarjan 1972, without recursion: groups nest deeper
    than Python calls). Most sets are of one.
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_ones: list[str] = []
    standing: set[str] = set()
    for root in roots:
        if root in order:
            continue
        path = [(root, iter(inner(root)))]
        order[root] = lowest[root] = len(order)
        open_ones.append(root)
        standing.add(root)
        while path:
            one, rest = path[-1]
            for other in rest:
                if other not in order:
                    order[other] = lowest[other] = len(order)
                    open_ones.append(other)
                    standing.add(other)
                    path.append((other, iter(inner(other))))
                    break
                if other in standing:
                    lowest[one] = min(lowest[one], order[other])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[one])
                if lowest[one] == order[one]:
                    circle = [open_ones.pop()]
                    while circle[-1] != one:
                        circle.append(open_ones.pop())
                    standing.difference_update(circle)
                    yield circle

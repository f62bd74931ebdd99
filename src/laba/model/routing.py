"""How a path finds its endpoint in a dialect's table."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from laba.model.calls import Endpoint
from laba.model.refusal import Code, Refusal


class Found(NamedTuple):
    endpoint: Endpoint
    arguments: Mapping[str, str]


class _Leaf(NamedTuple):
    """An endpoint at the end of its pattern, and which of a path's segments are its arguments."""

    endpoint: Endpoint
    places: tuple[tuple[str, int], ...]


class _Node:
    """What may follow the segments so far."""

    __slots__ = ("any", "leaves", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.leaves: list[_Leaf] = []

    def after(self, want: str) -> "_Node":
        """Give the node behind one segment of a pattern, new where there is none."""
        if not want.startswith("{"):
            return self.named.setdefault(want, _Node())
        if self.any is None:
            self.any = _Node()
        return self.any


class Routes:
    """A table of endpoints, laid out so that a path is compared only with what begins as it does."""

    __slots__ = ("_root",)

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            wanted = endpoint.pattern.split("/")
            node = self._root
            for want in wanted:
                node = node.after(want)
            places = tuple((want[1:-1], place) for place, want in enumerate(wanted) if want.startswith("{"))
            node.leaves.append(_Leaf(endpoint, places))

    def find(self, method: str, path: str) -> Found | Refusal:
        """Find the endpoint of a path without its app prefix.

        Where several patterns fit, the one that spells out most of the path is meant, whatever the method:
        `/users/batch/status` is never the status of a user named batch. ENDPOINT_UNKNOWN where nothing is served;
        METHOD_WRONG where something is, its `subject` naming the methods that are (RFC 9110 section 15.5.6).
        """
        segments = path.split("/")
        meant = self._meant(segments)
        for leaf in meant:
            if leaf.endpoint.method == method:
                return Found(leaf.endpoint, {name: segments[place] for name, place in leaf.places})
        if meant:
            allowed = ", ".join(leaf.endpoint.method for leaf in meant)
            return Refusal(Code.METHOD_WRONG, f"{path} takes {allowed}, not {method}", subject=allowed)
        return Refusal(Code.ENDPOINT_UNKNOWN, f"nothing is served at {path}")

    def _meant(self, segments: list[str]) -> list[_Leaf]:
        """Give the endpoints, of any method, whose patterns fit with the fewest arguments."""
        nodes = [self._root]
        for got in segments:
            nodes = [node for before in nodes for node in _behind(before, got)]
        fitting = [leaf for node in nodes for leaf in node.leaves]
        if len(nodes) < 2:
            return fitting
        fewest = min((len(leaf.places) for leaf in fitting), default=0)
        return [leaf for leaf in fitting if len(leaf.places) == fewest]


def _behind(node: _Node, got: str) -> Iterable[_Node]:
    """Give what may stand behind one segment of a path: at most two nodes."""
    named = node.named.get(got)
    if named is not None:
        yield named
    if node.any is not None and got:
        yield node.any

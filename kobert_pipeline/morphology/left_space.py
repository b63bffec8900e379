"""What mecab-ko adds to MeCab: a particle, ending or suffix with a space before it costs more.

The dictionary says how much (`left-space-penalty-factor` in its dicrc); MeCab itself ignores it. MeCab's lattice does not
depend on costs, and its forward pass leaves on each node the cost of the cheapest way there. Penalties are never negative:
those costs are a lower bound of the penalised ones, and an A* search from the end of the sentence that is guided by them
finds the path of least penalised cost, looking only at nodes that could lie on it (Hart, Nilsson and Raphael 1968; MeCab's own
N-best search is of this kind). Imports no MeCab: the lattice is handed in.
"""

from __future__ import annotations

import itertools
import mmap
import sys
from collections.abc import Mapping
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, NamedTuple

SETTING = "left-space-penalty-factor"
BEGINNING, END = 2, 3
"""`stat` of the nodes before and behind the sentence (MECAB_BOS_NODE, MECAB_EOS_NODE)."""


def read_penalties(dicrc: Path) -> dict[int, int]:
    """Part-of-speech id -> cost; the file lists them in turn. Empty for a dictionary without any."""
    for line in dicrc.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == SETTING:
            numbers = [int(number) for number in value.split(",")]
            return dict(zip(numbers[::2], numbers[1::2], strict=True))
    return {}


class Connections:
    """What it costs that one morpheme follows another: `matrix.bin`, shared between processes, never read whole."""

    def __init__(self, matrix: Path) -> None:
        with matrix.open("rb") as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self.width = int.from_bytes(content[:2], sys.byteorder)
        """Right contexts; there is a row of them for each left context."""
        self.costs = memoryview(content)[4:].cast("h")


class Node(NamedTuple):
    """A morpheme that the dictionary allows at a place of the sentence."""

    number: int
    begin: int
    """Bytes of the sentence before it; spaces in front of it are its own."""
    left: int
    """Its context, as what stands before it sees it."""
    right: int
    """Its context, as what stands behind it sees it."""
    cost: int
    penalty: int
    forward: int
    """Cost of the cheapest way from the beginning to its end, without penalties."""


def best_path(lattice: Any, penalties: Mapping[int, int], connections: Connections) -> list[int]:
    """Where the morphemes of the path of least penalised cost begin, and where the last one ends: bytes of the sentence.

    `lattice` has been parsed. Of paths that cost the same, the one found first is taken: always the same one.
    """
    node, rest = Node(number=-1, begin=_last_end(lattice), left=0, right=0, cost=0, penalty=0, forward=0), 0
    path: Any = None
    waiting: list[tuple[int, int, Node, int, Any]] = []
    ending: dict[int, list[Node]] = {}
    done, turn, costs, most = {node.number}, itertools.count(), connections.costs, _own_cost(lattice, penalties)
    while node.begin >= 0:
        if node.begin not in ending:
            ending[node.begin] = _ending_at(node.begin, lattice, penalties)
        behind, row, path = rest + node.cost, connections.width * node.left, (node, path)
        for other in ending[node.begin]:
            total = behind + costs[row + other.right] + other.penalty
            if other.forward + total <= most and other.number not in done:
                heappush(waiting, (other.forward + total, next(turn), other, total, path))
        while node.number in done:
            _, _, node, rest, path = heappop(waiting)
        done.add(node.number)
    return _begins(path)


def _own_cost(lattice: Any, penalties: Mapping[int, int]) -> int:
    """What MeCab's own path costs with its penalties: the best one costs no more."""
    node = lattice.eos_node()
    cost = int(node.cost)
    while node is not None:
        cost += _penalty(node, penalties)
        node = node.prev
    return cost


def _penalty(node: Any, penalties: Mapping[int, int]) -> int:
    return 0 if node.rlength == node.length else penalties.get(node.posid, 0)


def _begins(path: Any) -> list[int]:
    """`path` is a node and the path behind it."""
    begins = []
    while path is not None:
        node, path = path
        begins.append(node.begin)
    return begins


def _last_end(lattice: Any) -> int:
    """Where the last morpheme ends: spaces may follow it."""
    return next(place for place in range(lattice.size(), -1, -1) if lattice.end_nodes(place) is not None)


def _ending_at(end: int, lattice: Any, penalties: Mapping[int, int]) -> list[Node]:
    """In an order that depends on the sentence alone. What stands before the sentence begins at -1."""
    found, node = [], lattice.end_nodes(end)
    while node is not None:
        if node.stat != END:
            begin = -1 if node.stat == BEGINNING else end - node.rlength
            context = node.lcAttr, node.rcAttr
            found.append(Node(node.id, begin, *context, node.wcost, _penalty(node, penalties), node.cost))
        node = node.enext
    return found

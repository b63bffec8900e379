"""What mecab-ko adds to MeCab: a particle, ending or suffix after a space costs more.

The dictionary gives the penalties (`left-space-penalty-factor` in its dicrc), but MeCab ignores them. MeCab's lattice
does not depend on costs, and its forward pass stores on each node the cost of the cheapest path to it. Because
penalties are never negative, these costs are a lower bound of the penalised ones. An A* search from the end of the
sentence, guided by them, finds the path of least penalised cost and looks only at nodes that could be on it (Hart,
Nilsson and Raphael 1968; MeCab's own N-best search is of this kind). This file does not import MeCab: it receives the
lattice.
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
"""`stat` of the nodes before and after the sentence (MECAB_BOS_NODE, MECAB_EOS_NODE)."""


def read_penalties(dicrc: Path) -> dict[int, int]:
    """Reads part-of-speech id -> cost; in the file they alternate. Empty for a dictionary without penalties."""
    for line in dicrc.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == SETTING:
            numbers = [int(number) for number in value.split(",")]
            return dict(zip(numbers[::2], numbers[1::2], strict=True))
    return {}


class Connections:
    """The costs of one morpheme following another: `matrix.bin`, shared between processes, never read whole."""

    def __init__(self, matrix: Path) -> None:
        with matrix.open("rb") as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self.width = int.from_bytes(content[:2], sys.byteorder)
        """The number of right contexts; each left context has a row of them."""
        self.costs = memoryview(content)[4:].cast("h")


class Node(NamedTuple):
    """A morpheme that the dictionary allows at a position of the sentence."""

    number: int
    begin: int
    """Bytes of the sentence before it; it includes the spaces in front of it."""
    left: int
    """Its context for the morpheme before it."""
    right: int
    """Its context for the morpheme after it."""
    cost: int
    penalty: int
    forward: int
    """Cost of the cheapest path from the beginning to its end, without penalties."""


def best_path(lattice: Any, penalties: Mapping[int, int], connections: Connections) -> list[int]:
    """Finds the path of least penalised cost. Returns where its morphemes begin, and where the last one ends, in bytes.

    `lattice` has been parsed. If several paths have the same cost, the one found first is taken, which is always the
    same.
    """
    node, remaining = Node(number=-1, begin=_last_end(lattice), left=0, right=0, cost=0, penalty=0, forward=0), 0
    path: Any = None
    waiting: list[tuple[int, int, Node, int, Any]] = []
    ending: dict[int, list[Node]] = {}
    done, order, costs, most = {node.number}, itertools.count(), connections.costs, _mecab_cost(lattice, penalties)
    while node.begin >= 0:
        if node.begin not in ending:
            ending[node.begin] = _ending_at(node.begin, lattice, penalties)
        after, row, path = remaining + node.cost, connections.width * node.left, (node, path)
        for other in ending[node.begin]:
            total = after + costs[row + other.right] + other.penalty
            if other.forward + total <= most and other.number not in done:
                heappush(waiting, (other.forward + total, next(order), other, total, path))
        while node.number in done:
            _, _, node, remaining, path = heappop(waiting)
        done.add(node.number)
    return _begins(path)


def _mecab_cost(lattice: Any, penalties: Mapping[int, int]) -> int:
    """The cost of MeCab's own path with its penalties. The best path costs at most this."""
    node = lattice.eos_node()
    cost = int(node.cost)
    while node is not None:
        cost += _penalty(node, penalties)
        node = node.prev
    return cost


def _penalty(node: Any, penalties: Mapping[int, int]) -> int:
    return 0 if node.rlength == node.length else penalties.get(node.posid, 0)


def _begins(path: Any) -> list[int]:
    """`path` is a node and the path after it."""
    begins = []
    while path is not None:
        node, path = path
        begins.append(node.begin)
    return begins


def _last_end(lattice: Any) -> int:
    """Where the last morpheme ends: spaces may follow it."""
    return next(place for place in range(lattice.size(), -1, -1) if lattice.end_nodes(place) is not None)


def _ending_at(end: int, lattice: Any, penalties: Mapping[int, int]) -> list[Node]:
    """The nodes that end at `end`, in an order that only the sentence decides. The node before the sentence begins at
    -1."""
    nodes, node = [], lattice.end_nodes(end)
    while node is not None:
        if node.stat != END:
            begin = -1 if node.stat == BEGINNING else end - node.rlength
            context = node.lcAttr, node.rcAttr
            nodes.append(Node(node.id, begin, *context, node.wcost, _penalty(node, penalties), node.cost))
        node = node.enext
    return nodes

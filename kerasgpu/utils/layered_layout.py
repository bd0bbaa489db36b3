"""Places for the boxes of a graph: in ranks, with few crossings, branches side by side (Sugiyama et al. 1981).

1. A box's rank is the longest way to it from a source. 2. An arrow over several ranks gets a bend, a box without size, in each.
3. Ranks are ordered by the mean place of neighbours, alternately downwards and upwards. 4. Places are moved towards neighbours
while order and distances hold.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

GAP = 0.45  # between boxes of a rank
BEND = 0.25  # the breadth that a passing arrow is given
_SWEEPS = 12


class Layout:
    """Ranks and places. `rank[key]`, `place[key]` (centre along the rank), `paths[(a, b)]` (keys from a to b, bends between).

    Args:
        keys: boxes in an order in which they can run.
        edges: pairs of keys. An edge against that order (a layer called on its own output) has no influence.
        breadth: {key: size along the rank}.
    """

    def __init__(self, keys, edges, breadth):
        position = {key: k for k, key in enumerate(keys)}
        self.backward = [(a, b) for a, b in edges if position[a] >= position[b]]
        forward = [(a, b) for a, b in edges if position[a] < position[b]]
        self.breadth: dict[Any, float] = dict(breadth)
        self.rank = self._ranks(keys, forward)
        self.paths = {}
        self.before: dict[Any, list] = {key: [] for key in keys}
        self.after: dict[Any, list] = {key: [] for key in keys}
        counter = itertools.count()
        for a, b in forward:
            path = [a]
            for rank in range(self.rank[a] + 1, self.rank[b]):
                bend = ("bend", next(counter))
                self.rank[bend], self.breadth[bend] = rank, BEND
                self.before[bend], self.after[bend] = [], []
                path.append(bend)
            path.append(b)
            self.paths[a, b] = path
            for p, q in itertools.pairwise(path):
                self.after[p].append(q)
                self.before[q].append(p)
        self.ranks: list[list] = [[] for _ in range(max(self.rank.values(), default=0) + 1)]
        for key, rank in self.rank.items():
            self.ranks[rank].append(key)
        self._order()
        self.place = self._places()

    @staticmethod
    def _ranks(keys, edges):
        incoming: dict[Any, list] = {key: [] for key in keys}
        outgoing: dict[Any, list] = {key: [] for key in keys}
        for a, b in edges:
            incoming[b].append(a)
            outgoing[a].append(b)
        rank = {}
        for key in keys:
            rank[key] = max((rank[a] + 1 for a in incoming[key]), default=0)
        for key in reversed(keys):  # sources move down to where they are used
            if not incoming[key] and outgoing[key]:
                rank[key] = min(rank[b] for b in outgoing[key]) - 1
        return rank

    def _order(self):
        best, fewest = [list(r) for r in self.ranks], self._crossings()
        for sweep in range(_SWEEPS):
            downwards = sweep % 2 == 0
            for r in range(1, len(self.ranks)) if downwards else range(len(self.ranks) - 2, -1, -1):
                neighbours = self.before if downwards else self.after
                other = {key: k for k, key in enumerate(self.ranks[r - 1 if downwards else r + 1])}
                own = {key: k for k, key in enumerate(self.ranks[r])}

                def mean(key, neighbours=neighbours, other=other, own=own):
                    found = [other[n] for n in neighbours[key]]
                    return sum(found) / len(found) if found else own[key]

                self.ranks[r].sort(key=mean)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(r) for r in self.ranks], crossings
            if fewest == 0:
                break
        self.ranks = best

    def _crossings(self) -> int:
        total = 0
        for upper, lower in zip(self.ranks, self.ranks[1:]):
            where = {key: k for k, key in enumerate(lower)}
            ends = [where[b] for a in upper for b in sorted(self.after[a], key=where.__getitem__)]
            total += sum(ends[j] < ends[i] for i in range(len(ends)) for j in range(i + 1, len(ends)))
        return total

    def _places(self):
        place = {}
        for rank in self.ranks:
            x = 0.0
            for key in rank:
                place[key] = x + self.breadth[key] / 2
                x += self.breadth[key] + GAP
            shift = (x - GAP) / 2
            for key in rank:
                place[key] -= shift
        # The last sweep goes down: chains end up straight, branches on both sides of what they come from.
        for sweep in range(2 * _SWEEPS + 1):
            downwards = sweep % 2 == 0
            for rank in self.ranks if downwards else reversed(self.ranks):
                self._settle(rank, place, self.before if downwards else self.after)
        return place

    def _settle(self, rank, place, neighbours):
        """Move the boxes of a rank as near to the means of their neighbours as order and distances allow (least squares)."""
        wanted, weight, offset, at = [], [], [], 0.0
        for k, key in enumerate(rank):
            if k:
                at += (self.breadth[rank[k - 1]] + self.breadth[key]) / 2 + GAP
            found = [place[n] for n in neighbours[key]]
            wanted.append((float(np.median(found)) if found else place[key]) - at)
            # Long arrows are best straight, and boxes without neighbours here follow the others.
            weight.append((8.0 if isinstance(key, tuple) else 1.0) if found else 0.05)
            offset.append(at)
        for key, x, at in zip(rank, _increasing(wanted, weight), offset):
            place[key] = x + at


def _increasing(values, weights):
    """The non-decreasing sequence nearest to values in weighted squares: neighbours that disagree are pooled."""
    blocks: list[list] = []  # [mean, weight, count]
    for v, w in zip(values, weights):
        blocks.append([v, w, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            v2, w2, n2 = blocks.pop()
            v1, w1, n1 = blocks[-1]
            blocks[-1] = [(v1 * w1 + v2 * w2) / (w1 + w2), w1 + w2, n1 + n2]
    return [v for v, _, n in blocks for _ in range(n)]

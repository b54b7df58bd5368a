"""Which good servers together make a good set: the least root distance under rules of diversity. Pure, and exact.

A rule says what two servers, or too many of a set, may not have in common. Where no set keeps all rules, they are waived one by
one, those first whose loss hurts least; that two servers have one operator is never waived.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Callable, Optional

from ntpjoin.records import dataclass

#: How many are chosen, and how many there must be.
WANTED, LEAST = 5, 4

#: The rules that are waived where they must be, in this order, and what that means.
WAIVED_IN_ORDER = {
    "direction": "most of them lie in the same direction from here",
    "family": "fewer than two of them can be asked over one of IPv4 and IPv6",
    "upstream": "some of them follow the same server",
    "prefix": "some of them are in the same network",
    "as": "some of them are in the same autonomous system",
}
_ORDER = tuple(WAIVED_IN_ORDER)
#: These two are wishes: each is kept only while the set's root distance grows by no more than this share for it.
SOFT = {"direction": 0.10, "family": 0.25}

#: Sets looked at before what was found so far is taken: no set of 300 candidates seen so far needed more.
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class Member:
    """A good server as a set sees it.

    `distance_s` is what is kept small. `refids`: what its followers have as their refid; `follows`: its own refid, "" for a
    stratum 1. `families` are 4 and 6; `sector`: the quarter of the compass in which it lies, None where it is near or unknown.
    """

    name: str
    distance_s: float
    operator: str
    asn: frozenset[int] = frozenset()
    prefixes: frozenset[str] = frozenset()
    refids: frozenset[str] = frozenset()
    follows: str = ""
    anycast: bool = False
    families: frozenset[int] = frozenset({4})
    sector: Optional[int] = None


@dataclass(frozen=True)
class Found:
    """A set, and the rules that had to be waived for it."""

    members: tuple[Member, ...]
    waived: frozenset[str] = frozenset()


def clash(one: Member, other: Member, waived: frozenset[str] = frozenset()) -> str:
    """Say why two servers do not belong into one set, "" where they may."""
    if one.operator == other.operator:
        return f"it has the same operator as {other.name}"
    if one.anycast and other.anycast:
        return f"{other.name} is anycast, too"
    if "as" not in waived and one.asn & other.asn:
        return f"it is in the same autonomous system as {other.name}"
    if "prefix" not in waived and one.prefixes & other.prefixes:
        return f"it is in the same network as {other.name}"
    if "upstream" not in waived:
        if one.follows and one.follows == other.follows:
            return f"it follows the same server as {other.name}"
        if one.follows in other.refids or other.follows in one.refids:
            return f"it follows {other.name}" if one.follows in other.refids else f"{other.name} follows it"
    return ""


def best(members: Sequence[Member], *, fixed: Sequence[Member] = (), both_families: bool = False) -> Optional[Found]:
    """Find the best set, of five if that is possible, of four otherwise; None where there is none.

    `fixed` are in it whatever it costs, unless two of them clash. `both_families`: this host has both.
    """
    needed = frozenset({4, 6}) if both_families else frozenset()
    for count in range(len(SOFT), len(_ORDER) + 1):
        for wanted in (WANTED, LEAST):
            waived = frozenset(_ORDER[:count])
            found = _least(members, wanted, waived, needed, fixed)
            for rule, share in reversed(SOFT.items()):
                better = _least(members, wanted, waived - {rule}, needed, fixed) if found else None
                if found and better and _cost(better) <= _cost(found) * (1 + share):
                    found, waived = better, waived - {rule}
            if found:
                return Found(found, _broken(found, waived, needed))
    return None


def _cost(found: Sequence[Member]) -> float:
    return sum(one.distance_s for one in found)


def _broken(found: tuple[Member, ...], waived: frozenset[str], needed: frozenset[int]) -> frozenset[str]:
    """Which of the rules that were waived the set does not keep after all."""
    kept = set()
    for rule in waived:
        others = frozenset(_ORDER) - {rule}
        pairs = ((one, other) for number, one in enumerate(found) for other in found[:number])
        if not any(clash(*pair, others) and not clash(*pair, frozenset(_ORDER)) for pair in pairs) and _fits(
            found, frozenset(others), needed
        ):
            kept.add(rule)
    return waived - kept


def most_of_a_sector(count: int) -> int:
    """How many of a set may lie in one quarter of the compass: more than half must not be moved by one detour of the routes."""
    return max(2, (count + 1) // 2)


def _fits(found: Sequence[Member], waived: frozenset[str], needed: frozenset[int]) -> bool:
    """Whether a whole set keeps the rules that are about the whole."""
    if "family" not in waived and any(sum(family in one.families for one in found) < 2 for family in needed):
        return False
    return "direction" in waived or all(
        sum(one.sector == sector for one in found) <= most_of_a_sector(len(found)) for sector in range(4)
    )


def _least(
    members: Sequence[Member], count: int, waived: frozenset[str], needed: frozenset[int], fixed: Sequence[Member]
) -> Optional[tuple[Member, ...]]:
    """The set of so many with the least sum of distances."""
    near = sorted((one for one in members if one not in fixed), key=lambda one: one.distance_s)
    every = [*fixed, *near]
    if len({one.operator for one in every}) < count or len(fixed) > count:
        return None
    # Asked for few of many: those that are near.
    fits = cache(lambda one: sum(1 << n for n, other in enumerate(every) if not clash(every[one], other, waived)))
    rest = (1 << len(every)) - (1 << len(fixed))
    for number in range(len(fixed)):
        if any(not fits(number) >> other & 1 for other in range(number)):
            return None
        rest &= fits(number)
    search = _Search(every, fits, count, lambda found: _fits(found, waived, needed))
    search.extend(tuple(range(len(fixed))), rest, sum(one.distance_s for one in fixed))
    return search.best


class _Search:
    """Branch and bound over sets of compatible members; sets of them are the bits of a number."""

    def __init__(
        self, every: Sequence[Member], fits: Callable[[int], int], count: int, whole: Callable[[Sequence[Member]], bool]
    ) -> None:
        self.best: Optional[tuple[Member, ...]] = None
        self._every, self._fits, self._count, self._whole = every, fits, count, whole
        self._least_s = math.inf
        self._steps = 0

    def extend(self, chosen: tuple[int, ...], rest: int, cost_s: float) -> None:
        """Try all sets that have these members and more out of `rest`, those that are near first."""
        missing = self._count - len(chosen)
        if not missing:
            found = tuple(self._every[number] for number in chosen)
            if cost_s < self._least_s and self._whole(found):
                self.best, self._least_s = found, cost_s
            return
        while rest and self._steps < _MOST_STEPS:
            self._steps += 1
            nearest = list(islice(_bits(rest), missing))
            if len(nearest) < missing or cost_s + self._sum(nearest) >= self._least_s:
                return
            number = nearest[0]
            rest &= rest - 1
            self.extend((*chosen, number), rest & self._fits(number), cost_s + self._every[number].distance_s)

    def _sum(self, numbers: Sequence[int]) -> float:
        return sum(self._every[number].distance_s for number in numbers)


def _bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, the lowest first."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1

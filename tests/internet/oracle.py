"""Whom one would follow who knows everything: the best set of good servers, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

from tests.internet.site import Site, family_of
from tests.internet.world import World


@dataclass(frozen=True)
class Pick:
    """A good server at one of its addresses that we can reach, and how far it truly is."""

    site: Site
    address: str
    root_distance_s: float


@dataclass(frozen=True)
class Best:
    """The best set, nearest first."""

    picks: tuple[Pick, ...]

    @property
    def mean_s(self) -> float:
        """Its mean root distance."""
        return sum(pick.root_distance_s for pick in self.picks) / len(self.picks)


def picks(world: World) -> tuple[Pick, ...]:
    """Everybody who may be chosen, at each address."""
    return tuple(
        Pick(site, address, site.root_distance_s(family_of(address)))
        for site in world.sites
        if site.good
        for address in site.addresses
        if family_of(address) in world.families
    )


def best(world: World, clash: Callable[[Pick, Pick], str], k: int) -> Optional[Best]:
    """The `k` with the least mean true root distance of whom no two clash; None where there are not so many.

    `clash` says why two servers may not be followed together, "" when they may. Two addresses of one server always clash.
    """
    everybody = picks(world)

    def compatible(one: int, other: int) -> bool:
        first, second = everybody[one], everybody[other]
        return first.site.host != second.site.host and not clash(first, second)

    chosen = least([pick.root_distance_s for pick in everybody], compatible, k)
    return None if chosen is None else Best(tuple(everybody[number] for number in chosen))


def least(weights: Sequence[float], compatible: Callable[[int, int], bool], k: int) -> Optional[tuple[int, ...]]:
    """Find the `k` numbers of least weight together of which all pairs are compatible, lightest first; None without any.

    `compatible` is taken to be symmetric.
    """
    return _Search(weights, compatible).best(k)


class _Search:
    """Branch and bound, over numbers in the order of their weights; sets of numbers are the bits of an integer."""

    def __init__(self, weights: Sequence[float], compatible: Callable[[int, int], bool]) -> None:
        self._order = sorted(range(len(weights)), key=lambda number: weights[number])
        self._weights = [weights[number] for number in self._order]
        self._compatible = compatible
        self._friends: dict[int, int] = {}
        self._least = float("inf")
        self._found: Optional[tuple[int, ...]] = None

    def best(self, k: int) -> Optional[tuple[int, ...]]:
        self._descend((), 0.0, (1 << len(self._order)) - 1, k)
        return None if self._found is None else tuple(self._order[place] for place in self._found)

    def _descend(self, chosen: tuple[int, ...], weight: float, left: int, missing: int) -> None:
        """Complete `chosen` from the places `left`, all of which get on with it."""
        if not missing:
            if weight < self._least:
                self._least, self._found = weight, chosen
            return
        while left:
            if weight + self._bound(left, missing) >= self._least:
                return
            lowest = left & -left
            place = lowest.bit_length() - 1
            left ^= lowest
            self._descend((*chosen, place), weight + self._weights[place], left & self._friends_of(place), missing - 1)

    def _bound(self, left: int, missing: int) -> float:
        """The least that the missing ones can weigh; infinite when there cannot be so many.

        What is left falls into groups in which all are at odds, so that each gives one at most. Groups are begun by the
        lightest that fits into none, so nobody who comes after the last group was begun is lighter than any beginner.
        """
        groups: list[int] = []
        weight = 0.0
        while left:
            lowest = left & -left
            place = lowest.bit_length() - 1
            left ^= lowest
            friends = self._friends_of(place)
            for number, group in enumerate(groups):
                if not group & friends:
                    groups[number] |= lowest
                    break
            else:
                groups.append(lowest)
                weight += self._weights[place]
                if len(groups) == missing:
                    return weight
        return float("inf")

    def _friends_of(self, place: int) -> int:
        """Those with whom this one is compatible; itself is none."""
        if place not in self._friends:
            mine = self._order[place]
            self._friends[place] = sum(
                1 << other
                for other, number in enumerate(self._order)
                if other != place and self._compatible(mine, number)
            )
        return self._friends[place]

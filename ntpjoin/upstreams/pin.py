"""Pinning: each server that is followed gets one address, so that both families are used. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from ntpjoin.model import Asked, Chosen
from ntpjoin.upstreams.agree import Interval
from ntpjoin.upstreams.judge import Host, distance_s, family, interval, sample_of

#: How much worse, in root distance, an address of the other family may be: by half, and 10 ms.
OTHER_FAMILY_FACTOR, OTHER_FAMILY_MARGIN_S = 1.5, 0.010


def pin(hosts: Sequence[Host], majority: Interval) -> tuple[Chosen, ...]:
    """Give each host one address: where both of its families are good, in the one that has fewer hosts so far.

    Hosts with one good family count before all others; between equals the better-measured family wins.
    """
    options = {host.name: families(host, majority) for host in hosts}
    taken = {4: 0, 6: 0}
    for choices in options.values():
        if len(choices) == 1:
            taken[family(choices[0].address)] += 1
    chosen = []
    for host in hosts:
        best, *others = options[host.name]
        other: Optional[Asked] = others[0] if others else None
        asked = other if other and taken[family(other.address)] < taken[family(best.address)] else best
        if other:
            taken[family(asked.address)] += 1
        chosen.append(Chosen(host.name, asked.address, sample_of(asked)))
    return tuple(chosen)


def pin_nearest(
    hosts: Sequence[Host], majority: Interval, *, each: int = 0, keep: Optional[Mapping[str, str]] = None
) -> tuple[Chosen, ...]:
    """Give each host its best address; but at least `each` hosts one of either family, those that lose least by it.

    `keep` has the address of those that are to stay where they are, if that is one of their good ones.
    """
    stay = {one.name: asked for one in hosts for asked in one.asked if (keep or {}).get(one.name) == asked.address}
    pinned = {host.name: stay.get(host.name, host.asked[0]) for host in hosts}
    for number in (4, 6):
        others = [(host.name, families(host, majority)) for host in hosts]
        movable = sorted(
            (
                (name, options[1], distance_s(options[1]) - distance_s(options[0]))
                for name, options in others
                if name not in stay and len(options) == 2 and family(options[1].address) == number
            ),
            key=lambda row: row[2],
        )
        missing = each - sum(family(asked.address) == number for asked in pinned.values())
        pinned.update({name: asked for name, asked, _ in movable[: max(0, missing)]})
    return tuple(Chosen(name, asked.address, sample_of(asked)) for name, asked in pinned.items())


def families(host: Host, majority: Interval) -> tuple[Asked, ...]:
    """Give the host's best address, and the best one of the other family if it is about as good."""
    best = host.asked[0]
    most_s = distance_s(best) * OTHER_FAMILY_FACTOR + OTHER_FAMILY_MARGIN_S
    for asked in host.asked:
        about_as_good = distance_s(asked) <= most_s and interval(sample_of(asked)).overlaps(majority)
        if about_as_good and family(asked.address) != family(best.address):
            return (best, asked)
    return (best,)

"""The choice among upstreams that the operator named. Pure: the same input, the same choice."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Optional

from ntpjoin.model import Candidate, Choice, Dropped
from ntpjoin.upstreams.agree import intersection
from ntpjoin.upstreams.judge import Host, examine, interval, off
from ntpjoin.upstreams.pin import pin


def choose(
    candidates: Sequence[Candidate],
    *,
    own_addresses: Collection[str] = (),
    allow_private: bool = False,
    refused: Optional[Mapping[str, str]] = None,
) -> Choice:
    """Choose whom to follow, in the order named; whoever is not chosen is dropped with the reason.

    All that a majority of agreeing servers holds to be right are chosen; how many are needed is for others to judge.
    `own_addresses`, `allow_private` and `refused`, with the reasons, as the survey had them.
    """
    hosts, dropped = _examined(candidates, own_addresses, allow_private, refused or {})
    majority = intersection([interval(host.best) for host in hosts])
    true = [host for host in hosts if majority and interval(host.best).overlaps(majority)]
    middle_s = statistics.median(host.best.offset_s for host in true) if true else 0.0
    for host in hosts:
        if not majority:
            dropped[host.name] = Dropped(host.name, "no majority agrees")
        elif host not in true:
            dropped[host.name] = Dropped(host.name, off(host, host.best.offset_s - middle_s))
    chosen = pin(true, majority) if majority else ()
    offsets = [one.sample.offset_s for one in chosen]
    return Choice(
        asked=len(candidates),
        chosen=chosen,
        dropped=tuple(dropped[candidate.name] for candidate in candidates if candidate.name in dropped),
        offset_s=statistics.median(offsets) if offsets else None,
        spread_s=max(offsets) - min(offsets) if offsets else None,
    )


def _examined(
    candidates: Sequence[Candidate], own_addresses: Collection[str], allow_private: bool, refused: Mapping[str, str]
) -> tuple[list[Host], dict[str, Dropped]]:
    """Those that are good by themselves, and why the others are not."""
    hosts: list[Host] = []
    dropped: dict[str, Dropped] = {}
    for candidate in candidates:
        name, why = candidate.name, refused.get(candidate.name, "")
        host = Dropped(name, why, rule=True) if why else examine(candidate, hosts, own_addresses, allow_private)
        if isinstance(host, Dropped):
            dropped[name] = host
        else:
            hosts.append(host)
    return hosts, dropped

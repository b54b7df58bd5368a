"""Servers as `probe` sees them: made up for judging, and some in virtual time for asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ntpjoin.checks.probe import Probed, Verdicts, judge
from ntpjoin.checks.probing import Seen, Task
from ntpjoin.checks.tracer import Traced
from ntpjoin.model import FAMILIES, KISS, Asked, Check, Family, Resolved, Sample
from ntpjoin.wire.management import Exposure, Managed
from tests.internet.stations import Station
from tests.internet.virtual import Internet
from tests.internet.zone import Record

FOUR, SIX, OTHER = "5.0.1.2", "2a00::2", "5.0.1.4"
NAME = "time1.example.net"

SAMPLE = Sample(FOUR, 0.0004, 0.012, 2, 0, "5.9.9.9", 0.010, 0.002, -20, 60.0)


def asked(address: str = FOUR, *, lost: int = 0, **changes: Any) -> Asked:
    """Three answers, but for those that are lost, with that in all of them."""
    sample = replace(SAMPLE, address=address, **changes)
    heard = 3 - lost
    return Asked(address, sample, "", 3, heard, 0.0001, (sample,) * heard)


def silent(address: str = FOUR, problem: str = "no answer within 7 s", sent: int = 3) -> Asked:
    return Asked(address, problem=problem, sent=sent)


def seen(
    *answers: Asked,
    names: Optional[Mapping[str, tuple[str, ...]]] = None,
    references: Iterable[Asked] = (),
    managed: Iterable[Managed] = (),
    traced: Optional[Mapping[str, Traced]] = None,
    own: Iterable[str] = (),
    **task: Any,
) -> Seen:
    """What has come of asking these, each by its address alone unless `names` has them."""
    where = names or {one.address: (one.address,) for one in answers}
    right = tuple(references)
    known = tuple(Resolved(one.address, addresses=(one.address,)) for one in right)
    return Seen(
        Task(tuple(where), tuple(one.name for one in known), **task),
        tuple(Resolved(name, addresses=addresses) for name, addresses in where.items()),
        known,
        {one.address: one for one in (*answers, *right)},
        {one.address: one for one in managed},
        traced or {},
        frozenset(own),
    )


def only(verdicts: Verdicts) -> Probed:
    [one] = verdicts.probed
    return one


def verdict(answer: Asked, **more: Any) -> Probed:
    """What is found of one address."""
    return only(judge(seen(answer, **more)))


def told(one: Probed, id_: str) -> Check:
    [check] = [check for check in one.checks if check.id == id_]
    return check


def faults(one: Probed) -> list[tuple[str, str]]:
    """All that is not well."""
    return [(check.id, check.state.value) for check in one.checks if check.state.value != "ok"]


#: One of everything: good, a warning, dead over IPv6, nowhere.
SEEN = seen(
    asked(),
    silent(SIX),
    asked(OTHER, offset_s=0.05),
    Asked("5.0.1.6", problem=f"{KISS}RATE", sent=3, heard=2),
    silent("5.0.1.8", "this host has no IPv4 route to it", 0),
    names={NAME: (FOUR, SIX), OTHER: (OTHER,), "5.0.1.6": ("5.0.1.6",), "5.0.1.8": ("5.0.1.8",)},
    managed=[Managed(FOUR, (Exposure(6, 12, 420),)), Managed(OTHER)],
    traced={FOUR: Traced(2, 0, 0.0003, 0.02), OTHER: Traced()},
    mine=True,
    from_pool=True,
)
MANY = judge(replace(SEEN, resolved=(*SEEN.resolved, Resolved("gone.example", problem="no such name"))))


def reference(address: str, offset_s: float) -> Asked:
    """A server that is sure of itself."""
    return asked(address, offset_s=offset_s, root_dispersion_s=0.001, root_delay_s=0.0, delay_s=0.002, refid="5.8.8.8")


#: Against references of which one is wrong.
AGAINST = judge(
    seen(asked(), references=[reference("5.1.0.2", 0.0), reference("5.2.0.2", 0.0), reference("5.3.0.2", 9.0)])
)


@dataclass(frozen=True)
class Few:
    """A world of some stations."""

    stations: Mapping[str, Station]
    families: tuple[Family, ...] = FAMILIES
    sites: tuple[Any, ...] = field(default=())

    @property
    def by_address(self) -> Mapping[str, Station]:
        return self.stations

    def station(self, address: str) -> Station:
        return self.stations[address]


def internet(*stations: Station, names: Iterable[Record] = (), families: tuple[Family, ...] = FAMILIES) -> Internet:
    """These stations and names, in virtual time."""
    made = Internet(Few({one.address: one for one in stations}, families))  # type: ignore[arg-type]
    made._zone = {one.name: one for one in names}
    return made

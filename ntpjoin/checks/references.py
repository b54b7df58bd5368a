"""What offsets are measured against: this clock, or servers that were named as references, where those may be believed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.checks.answered import Yardstick
from ntpjoin.checks.probing import Seen
from ntpjoin.checks.scoring import OFFSET_FULL_S
from ntpjoin.checks.witnesses import MANY, witnesses
from ntpjoin.model import Candidate, Choice, Dropped, Resolved
from ntpjoin.upstreams.agree import Interval, intersection
from ntpjoin.upstreams.choose import choose
from ntpjoin.upstreams.judge import interval


def measured_against(seen: Seen, address: str = "") -> tuple[Optional[Choice], Yardstick]:
    """Which references count, None where none were named, and the yardstick that comes of them.

    For an `address` those alone that lead elsewhere: against itself every server is right.
    """
    if not seen.references:
        return None, Yardstick("this clock", 0.0)
    named = [one for one in seen.references if address not in one.addresses]
    if not named:
        return Choice(), Yardstick("no reference", None, "it is the only reference itself")
    choice = _agreeing(named, seen)
    against = _outvoted(choice, named, seen)
    if against:
        return _without(choice, against), Yardstick("no reference", None, against)
    if choice.offset_s is None:
        return choice, Yardstick("no reference", None, "the references do not agree, or none can be used")
    return choice, Yardstick(f"{len(choice.chosen)} of {choice.asked} references", choice.offset_s)


def is_reference(address: str, seen: Seen) -> bool:
    """Whether a reference leads there."""
    return any(address in one.addresses for one in seen.references)


def _agreeing(named: Sequence[Resolved], seen: Seen) -> Choice:
    """Those that a majority of them holds to be right, judged as upstreams are."""
    candidates = [
        Candidate(one, tuple(seen.asked[address] for address in one.addresses if address in seen.asked))
        for one in named
    ]
    return choose(candidates, allow_private=seen.task.allow_private)


def _outvoted(choice: Choice, named: Sequence[Resolved], seen: Seen) -> str:
    """Who agrees against the references, where these are too few to outvote a wrong one among them; "" for nobody.

    This clock has a voice, too, and nobody who is a reference has two.
    """
    if not choice.chosen or len(witnesses(named, seen)) >= MANY:
        return ""
    theirs = {address for one in named for address in one.addresses}
    others = [interval(one) for one in witnesses((one for one in seen.resolved if not theirs & {*one.addresses}), seen)]
    right = [interval(one.sample) for one in choice.chosen]
    clock = Interval(0.0, OFFSET_FULL_S)
    majority = intersection([clock, *others, *right])
    if not majority or not clock.overlaps(majority) or any(one.overlaps(majority) for one in right):
        return ""
    agreeing = sum(one.overlaps(majority) for one in others)
    whom = f"{len(right)} reference{'s' * (len(right) > 1)}"
    return (
        f"{agreeing} of {len(others)} servers and this clock agree against {whom}, and only three outvote a wrong one"
    )


def _without(choice: Choice, why: str) -> Choice:
    """None of them counts."""
    dropped = (*choice.dropped, *(Dropped(one.name, why) for one in choice.chosen))
    return replace(choice, chosen=(), dropped=dropped, offset_s=None, spread_s=None)

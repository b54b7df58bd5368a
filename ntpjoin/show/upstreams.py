"""Upstreams as text for people: where a name leads, and what was answered there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ntpjoin.model import Asked, Candidate, Choice, Dropped
from ntpjoin.show.terminal import Style
from ntpjoin.upstreams.judge import signed

#: So many addresses with the same problem are told in one line.
CROWD = 5


def resolved(
    found: Sequence[Candidate],
    accounts: Mapping[str, tuple[Asked, ...]],
    choice: Choice,
    unknown: Sequence[str],
    style: Style,
) -> str:
    """One paragraph a name; last what could not be seen."""
    dropped = {one.name: one for one in choice.dropped}
    blocks = ["\n".join(_one(one, accounts[one.name], dropped.get(one.name), style)) for one in found]
    blocks += [f"{style.mark('?', '36')} {text}" for text in unknown]
    return "\n\n".join(blocks)


def _one(candidate: Candidate, asked: tuple[Asked, ...], dropped: Optional[Dropped], style: Style) -> Iterator[str]:
    where = candidate.resolved
    ttl = "" if where.ttl_s is None else f"  (TTL {where.ttl_s} s)"
    yield f"{candidate.name}{ttl}"
    if where.chain:
        yield f"  alias of {', alias of '.join(where.chain)}"
    told = list(_told(asked))
    width = max((len(who) for who, _ in told), default=0)
    for who, what in told:
        yield f"  {who:<{width}}  {what}"
    if dropped is None:
        yield f"  {style.mark('✓', '32')} can be followed"
    else:
        yield f"  {style.mark('✗', '31')} cannot be followed: {dropped.why}"
        if dropped.remedy:
            yield f"      add {dropped.remedy} to accept such addresses"


def _told(asked: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """Who, and what: a line an address, but one line for all of a crowd with the same problem."""
    sharing = Counter(one.problem for one in asked if one.problem)
    told = set()
    for one in asked:
        if sharing[one.problem] < CROWD:
            yield one.address, _answer(one)
        elif one.problem not in told:
            told.add(one.problem)
            yield f"{sharing[one.problem]} addresses", one.problem


def _answer(asked: Asked) -> str:
    sample = asked.sample
    if sample is None:
        return asked.problem
    state = ", not synchronised" if sample.leap == 3 or not 0 < sample.stratum < 16 else ""
    return f"stratum {sample.stratum}{state}, offset {signed(sample.offset_s)}, delay {sample.delay_s * 1000:.1f} ms"

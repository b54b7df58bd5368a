"""What a survey found, as text for people and as data for programs: who was asked, what came back, who is chosen and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Optional

from ntpjoin.model import Asked, Candidate, Choice, Dropped
from ntpjoin.show import jsons
from ntpjoin.show.terminal import Style
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.judge import distance_s

#: What becomes of a candidate.
Verdict = Literal["chosen", "good", "refused"]
_MARKS: dict[Verdict, tuple[str, str]] = {"chosen": ("✓", "32"), "good": ("·", ""), "refused": ("✗", "31")}

_HEAD = (
    f"    {'address':<40}{'st':>3} {'refid':<15} {'delay':>9} {'offset':>11} {'jitter':>8} {'distance':>9} {'loss':>5}"
)


def verdict(dropped: Optional[Dropped]) -> Verdict:
    """In a word."""
    return "chosen" if dropped is None else "good" if dropped.good else "refused"


def text(found: Sequence[Candidate], servers: Mapping[str, Server], choice: Choice, style: Style) -> str:
    """A paragraph for each candidate, the chosen ones first, the refused ones last; milliseconds."""
    dropped = {one.name: one for one in choice.dropped}
    order = list(_MARKS)
    ranked = sorted(found, key=lambda one: (order.index(verdict(dropped.get(one.name))), _nearest(one)))
    lines = [_HEAD, *(line for one in ranked for line in _one(one, servers, dropped.get(one.name), style))]
    lines += [f"{style.mark('!', '33')} {why}" for why in choice.waived]
    many = len(choice.chosen)
    return "\n".join(
        [*lines, "", f"{len(found)} asked, {many} chosen" if many else f"{len(found)} asked, no set found"]
    )


def _nearest(candidate: Candidate) -> float:
    return min((distance_s(asked) for asked in candidate.asked if asked.sample), default=float("inf"))


def _one(
    candidate: Candidate, servers: Mapping[str, Server], dropped: Optional[Dropped], style: Style
) -> Iterator[str]:
    server = servers[candidate.name]
    about = ", ".join(filter(None, (server.operator, server.place, server.country)))
    mark = style.mark(*_MARKS[verdict(dropped)])
    yield f"{mark} {candidate.name}" + (f"  ({about})" if about else "")
    for asked in candidate.asked:
        yield f"    {_line(asked)}"
    if dropped:
        yield f"    {dropped.why}"


def _line(asked: Asked) -> str:
    if asked.sample is None:
        return f"{asked.address:<40}{asked.problem}"
    sample = asked.sample
    loss = f"{asked.sent - asked.heard}/{asked.sent}"
    numbers = f"{sample.delay_s * 1e3:9.2f} {sample.offset_s * 1e3:+11.2f} {asked.jitter_s * 1e3:8.2f}"
    leap = " leap" if sample.leap in (1, 2) else ""
    head = f"{asked.address:<40}{sample.stratum:>3} {sample.refid:<15} {numbers}"
    return f"{head} {distance_s(asked) * 1e3:9.2f} {loss:>5}{leap}"


def data(found: Sequence[Candidate], servers: Mapping[str, Server], choice: Choice) -> dict[str, Any]:
    """The same for the JSON object."""
    dropped = {one.name: one for one in choice.dropped}
    return {
        "candidates": [_candidate(one, servers[one.name], dropped.get(one.name)) for one in found],
        "chosen": [{"name": one.name, "address": one.address} for one in choice.chosen],
        "waived": list(choice.waived),
    }


def _candidate(candidate: Candidate, server: Server, dropped: Optional[Dropped]) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "operator": server.operator,
        "country": server.country,
        "place": server.place,
        "verdict": verdict(dropped),
        "why": dropped.why if dropped else "",
        "addresses": [jsons.answer(one) for one in candidate.asked],
    }

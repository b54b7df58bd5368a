"""How a server stands in the pool: in it or not, where its score goes, and whether the pool has looked lately. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.checks.course import FAR_S, Course, course, score_of, scores_of
from ntpjoin.checks.scoring import IN_POOL, Outcome, step
from ntpjoin.look.pool import Checked, Record
from ntpjoin.look.sites import MANAGED, POOL, asking
from ntpjoin.model import CheckState
from ntpjoin.records import dataclass
from ntpjoin.upstreams.addresses import why_not_public

#: Below this a score is a warning; so warns the pool's own munin plugin, `ntp_pool_score_`.
LOW = 15.0
#: A server whose newest check is older than this is no longer looked at, or the pool's data stand still (ours).
STALE_S = 7200
#: A trend is told by what an hour has changed, or by less of it, but not by a few minutes.
_TREND_S, _LEAST_S = 3600, 600
#: A change that counts for none; and by how much a step may be off from what its offset makes.
_STEADY, _ROUNDED = 0.5, 0.05
#: By so much this clock may be behind that of the pool and not be told of it.
AHEAD_S = 60
#: Nobody foresees it to the minute.
_MOMENT_S = 120


@dataclass(frozen=True)
class Standing:
    """One address: in words, and in numbers where there are any. `name` is what was typed where that led here, else ''.

    `change` is by how much the score has risen in the last `span_s` seconds; `lost` of `checks` checks gave less than full points.
    `makers` is what each monitor gives of which the score is made. `site` is that of the system of the pool that was asked.
    """

    address: str
    state: CheckState
    text: str
    remedy: str = ""
    name: str = ""
    record: Optional[Record] = None
    score: Optional[float] = None
    age_s: Optional[float] = None
    change: Optional[float] = None
    span_s: float = 0.0
    course: Optional[Course] = None
    coming: bool = False
    makers: tuple[float, ...] = ()
    checks: int = 0
    lost: int = 0
    site: str = POOL

    @property
    def in_pool(self) -> bool:
        """By its score, whatever its net speed is."""
        return self.score is not None and self.score >= IN_POOL

    @property
    def below(self) -> int:
        """How many of those that make the score give too little."""
        return sum(score < IN_POOL for score in self.makers)

    @property
    def crosses_s(self) -> Optional[float]:
        """In how many seconds it comes into the pool, or leaves it; None where it does not."""
        if self.course is None or self.course.crosses_s is None:
            return None
        return max(0.0, self.course.crosses_s - (self.age_s or 0.0))


def unknown(address: str, why: str, remedy: str = "", name: str = "") -> Standing:
    """An address, or a name, of which nothing could be told."""
    return Standing(address, CheckState.UNKNOWN, why, remedy, name)


def known(record: Optional[Record], now_s: float) -> Optional[bool]:
    """Whether the pool has a server; None where it has not been checked of late: one that was deleted is told of for 30 days."""
    if record is None:
        return False
    lately = [at_s for at_s in (record.newest_s, record.registered_s) if at_s is not None and now_s - at_s <= STALE_S]
    return True if lately else None


def judge(address: str, record: Optional[Record], now_s: float, name: str = "", site: str = POOL) -> Standing:
    """How it stands; `record` is None where the pool does not know it, `now_s` the time of day in seconds since 1970."""
    if record is None:
        why = why_not_public(address)
        text = f"not registered: it is {why}" if why else "not registered in the pool"
        remedy = "" if why or site not in MANAGED else f"register it: {MANAGED[site]}"
        return Standing(address, CheckState.FAIL, text, remedy, name, site=site)
    record = replace(record, checks=tuple(map(_with_what_counts, record.checks)))
    score, newest_s = score_of(record), record.newest_s
    if score is None or newest_s is None:
        return _scoreless(address, record, now_s, name, site)
    stale = now_s - newest_s > STALE_S
    ahead = None if stale else course(record)
    change, span_s = _change(record)
    draft = Standing(
        address,
        CheckState.OK,
        "",
        name=name,
        record=record,
        score=score,
        age_s=now_s - newest_s,
        change=change,
        span_s=span_s,
        course=ahead,
        coming=score < IN_POOL and ahead is not None and ahead.crosses_s is not None,
        makers=scores_of(record),
        checks=len(record.checks),
        lost=sum(check.step < 1 for check in record.checks),
        site=site,
    )
    return replace(
        draft,
        state=_state(draft, stale=stale),
        text="; ".join(_words(draft)),
        remedy=_remedy(draft),
    )


def _with_what_counts(check: Checked) -> Checked:
    """Without an offset that did not count, and what it took to be told of it.

    Of an answer that says stratum 0 or 16, or DENY, the monitors tell an offset all the same; and of none that it took no time. At a
    stratum of 8 to 10 it does not count either.
    """
    off_s = check.offset_s
    counts = off_s is not None and check.step >= step(Outcome(1, off_s)).points - _ROUNDED
    return check if counts else replace(check, offset_s=None, rtt_ms=None)


def _scoreless(address: str, record: Record, now_s: float, name: str, site: str) -> Standing:
    """Mostly the site has no row of it, and it has those of four days; of monitors it tells only with their rows.

    So it is with a new server, for some minutes, where it does not tell when that was registered, and with one that was deleted,
    which it knows for 30 days (ntppool/data-api, `server/history.go`).
    """
    page = _page(address, site)
    remedy = f"see which: {page}"
    if record.newest_s is not None:
        text, remedy = "checked, but by no monitor of which a score is made", ""
    elif record.registered_s is None:
        text = "not checked in the last four days: it is new, was deleted, or is no longer monitored"
    else:
        text = f"registered {span(max(0.0, now_s - record.registered_s))} ago, and not checked since"
        remedy = f"its monitors begin within minutes; if they do not, see whether it was deleted: {page}"
    return Standing(address, CheckState.UNKNOWN, text, remedy, name, record, site=site)


def _page(address: str, site: str) -> str:
    """The page for people: alone it tells whether a server is or was to be deleted (abh/ntppool, `docs/shared/tpl/server.html`)."""
    return f"{site}/scores/{address}"


def _state(found: Standing, *, stale: bool) -> CheckState:
    if not found.in_pool:
        return CheckState.WARN if found.coming else CheckState.FAIL
    leaves = found.crosses_s is not None
    return CheckState.WARN if stale or leaves or (found.score or 0.0) < LOW else CheckState.OK


def _remedy(found: Standing) -> str:
    """What is wrong can be asked for where points are lost and it is not on its way up; nobody checks one that was deleted."""
    if (found.age_s or 0.0) > STALE_S:
        return f"see whether it was deleted: {_page(found.address, found.site)}"
    well = found.coming or (found.crosses_s is None and (found.score or 0.0) >= LOW and not found.below)
    return "" if well or not found.lost else f"{asking('ntpjoin score', found.site)} --why {found.address}"


def _change(record: Record) -> tuple[Optional[float], float]:
    """By how much the score has risen, and in how many seconds."""
    if not record.scores:
        return None, 0.0
    last = record.scores[-1]
    before = [one for one in record.scores if one.at_s <= last.at_s - _TREND_S]
    first = before[-1] if before else record.scores[0]
    span_s = float(last.at_s - first.at_s)
    return (last.score - first.score, span_s) if span_s >= _LEAST_S else (None, 0.0)


def _words(found: Standing) -> Iterator[str]:
    yield "in the pool" if found.in_pool else f"not in the pool, which takes {IN_POOL:g}"
    if found.change is not None:
        rising = "rising" if found.change > 0 else "falling"
        steady = abs(found.change) < _STEADY
        yield "steady" if steady else f"{rising}, {found.change:+.1f} in {span(found.span_s)}"
    yield from _course(found)
    age = found.age_s or 0.0
    if age < -AHEAD_S:
        yield f"checked{_by(found)}, in the future by this clock"
    else:
        checked = f"checked {span(max(0.0, age))} ago"
        yield f"{checked}, not since" if age > STALE_S else checked + _by(found)


def _by(found: Standing) -> str:
    """How many make the score; and where it is high enough, how many of them think otherwise."""
    many, below = len(found.makers), found.below
    few = (
        f", {below} of which {'give' if below > 1 else 'gives'} less than {IN_POOL:g}"
        if found.in_pool and below
        else ""
    )
    return f" by {many} monitors{few}" if many > 1 else ""


def _course(found: Standing) -> Iterator[str]:
    if found.course is None:
        return
    if found.crosses_s is not None:
        where = "leaves it" if found.in_pool else f"comes to {IN_POOL:g}"
        when = f"in about {span(found.crosses_s)}" if found.crosses_s >= _MOMENT_S else "at any moment"
        yield f"at this course it {where} {when}"
    elif not found.in_pool and found.course.limit < IN_POOL:
        yield f"at this course it never comes to {IN_POOL:g}, but near {found.course.limit:.0f}"
    elif not found.in_pool:
        yield f"at this course it does not come to {IN_POOL:g} within {span(FAR_S)}"


def span(seconds: float) -> str:
    """So long, in words: one number and its unit."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= 60):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def tenths(score: float) -> str:
    """A score as it is told: rounded, as the pool's own pages do, but never up to a limit, or it would look as if it were there."""
    found = round(score, 1)
    if any(score < limit <= found for limit in (IN_POOL, LOW)):
        found -= 0.1
    return f"{found + 0.0:.1f}"  # 0.0, where it is -0.0


def verdict(standings: Sequence[Standing]) -> int:
    """An exit code. 0: all are in the pool; 1: one is not; 3: one could not be told; 5: those that are not in it yet are coming."""
    states = [one.state for one in standings]
    if CheckState.FAIL in states:
        return 1
    if CheckState.UNKNOWN in states:
        return 3
    return 5 if any(one.coming for one in standings) else 0

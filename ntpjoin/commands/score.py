"""`ntpjoin score`: how servers stand in the pool, as its own monitors see them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Optional

from ntpjoin.checks.complaints import complaints
from ntpjoin.checks.standing import judge, unknown, verdict
from ntpjoin.errors import Blocked, Interrupted, UsageProblem, WireError, shown
from ntpjoin.host import output as file
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_addresses
from ntpjoin.look.site import Site
from ntpjoin.look.sites import asking
from ntpjoin.model import Event, Tell
from ntpjoin.records import dataclass
from ntpjoin.show.report import Form
from ntpjoin.show.screen import Screen
from ntpjoin.show.standing_forms import answer, exit_code
from ntpjoin.show.standings import Scores, Told, Wanted
from ntpjoin.upstreams.addresses import why_not_public
from ntpjoin.wire.dns import resolve

#: The newest rows of a server's log that are asked for: some hours of them; for pictures all that there are.
_ROWS, _ALL_ROWS = 500, 10_000
#: Without a terminal so long between two lines about how far it is.
_TOLD_EACH_S = 15.0


@dataclass(frozen=True)
class Question:
    """What to ask for, and where: beside each score `why` points were lost, and a picture in the file `svg` unless that is ''."""

    site: str
    why: bool = False
    wanted: Wanted = Wanted()
    svg: str = ""

    @property
    def rows(self) -> int:
        """Of each server's log."""
        return _ALL_ROWS if self.wanted.plot or self.svg else _ROWS


def score_command(hosts: Sequence[str], question: Question, form: Form, output: str, screen: Screen) -> int:
    """Exit 0 where every server is in the pool, 1 where one is not, 3 where one could not be told, 5 where it is on its way.

    Without `hosts` those are this host's own public addresses. Who interrupts it sees what is known so far.
    """
    host = Host(screen.trace)
    _files(host, output, question.svg)
    told: list[Told] = []
    stopped: Optional[Interrupted] = None
    try:
        with Interrupts():
            for one in _asked(host, hosts, question, screen):
                told.append(one)  # noqa: PERF402 - what is known so far is kept where the next one is interrupted
    except Interrupted as error:
        if not told or output or form in ("nagios", "prometheus"):
            raise
        stopped = error
    code = stopped.code if stopped else verdict([one.standing for one in told])
    scores = Scores(tuple(told), code, time.time(), question.wanted)
    if output:
        file.write(host, output, answer(form, scores, screen.file_style()))
    else:
        screen.put(answer(form, scores, screen.style))
    # The answer first: where there is no room for both, it is the one that was asked for.
    drawn = not question.svg or _drawn(host, question.svg, scores, screen)
    return exit_code(form, scores) if drawn else Blocked.exit_code


def _files(host: Host, output: str, svg: str) -> None:
    """Raises UsageProblem where one of the files cannot be written, or both are one."""
    for option, path in (("--output", output), ("--svg", svg)):
        if path:
            file.takes(host, path, option)
    if output and os.path.realpath(output) == os.path.realpath(svg):
        raise UsageProblem(f"--output and --svg both name {shown(svg)}", "name another one for --svg")


def _drawn(host: Host, path: str, scores: Scores, screen: Screen) -> bool:
    """Put the picture into its file; False where that was refused after all."""
    standings = [one.standing for one in scores.told]
    if not any(one.record for one in standings):
        screen.talk(f"nothing is known that could be drawn: {path} was not written")
        return True
    from ntpjoin.show import svg  # noqa: PLC0415

    try:
        file.write(host, path, svg.picture(standings, scores.now_s))
    except Blocked as error:
        screen.talk("\n  ".join(filter(None, (f"ntpjoin: {error.message}", error.remedy))))
        return False
    return True


def _asked(host: Host, hosts: Sequence[str], question: Question, screen: Screen) -> Iterator[Told]:
    """Each server, as soon as it is known."""
    places = _places(hosts, question.site) if hosts else [_Place(address) for address in _own(host)]
    site = Site(host, question.site, screen.tell)
    count = sum(not place.problem for place in places)
    progress = _Progress(screen.tell, count, every=screen.tell.style.tty)
    for place in places:
        if place.problem:
            yield Told(unknown(place.address, place.problem, place.remedy))
        else:
            progress(place.address)
            yield _one(site, place, question)


def _one(site: Site, place: _Place, question: Question) -> Told:
    address = place.address
    try:
        record = site.record(address, question.rows)
    except WireError as error:
        return Told(unknown(address, error.message, error.remedy, place.name))
    standing = judge(address, record, time.time(), place.name, question.site)
    if not question.why or record is None or record.newest_s is None:
        return Told(standing)
    try:
        return Told(standing, complaints(site.remarks(address, question.rows), record.monitors))
    except WireError as error:
        return Told(standing, why=error.message)


@dataclass(frozen=True)
class _Place:
    """An address to ask for, the name that led there, '' without one; or a name, and why not all that it leads to is known."""

    address: str
    name: str = ""
    problem: str = ""
    remedy: str = ""


def _places(hosts: Sequence[str], site: str) -> list[_Place]:
    """Every address once, in the order named; of a name, all that it leads to, and below these whether there may be more."""
    found: dict[str, _Place] = {}
    for resolved in resolve(hosts):
        name = "" if resolved.addresses == (resolved.name,) else resolved.name
        for address in resolved.addresses:
            found.setdefault(address, _Place(address, name))
        if not resolved.addresses:
            found[resolved.name] = _Place(resolved.name, problem=resolved.problem)
        elif resolved.untold:
            problem = f"DNS did not tell whether it has addresses of {resolved.untold}, too"
            remedy = f"ask again, or for the addresses themselves: {asking('ntpjoin score', site)} ADDRESS..."
            found[resolved.name] = _Place(resolved.name, problem=problem, remedy=remedy)
    return list(found.values())


def _own(host: Host) -> tuple[str, ...]:
    """This host's own public addresses, and those declared by `--public-address`. Raises Blocked where there are none."""
    journal = look_journal(host)
    declared = journal.last.wish.public_addresses if journal.last else ()
    public = (address for address in look_addresses(host) if not why_not_public(address))
    own = tuple(dict.fromkeys((*declared, *public)))
    if not own:
        seen = "; what --public-address declared only root can read" if journal.unseen else ""
        raise Blocked(f"this host has no public address of its own{seen}", "name one: ntpjoin score ADDRESS")
    return own


class _Progress:
    """Tells which server is asked for, of how many; each on a terminal, elsewhere now and then."""

    def __init__(self, tell: Tell, count: int, *, every: bool) -> None:
        self._tell = tell
        self._count = count
        self._gap_s = 0.0 if every else _TOLD_EACH_S
        self._asked = 0
        self._told_s = float("-inf")

    def __call__(self, address: str) -> None:
        self._asked += 1
        now_s = time.monotonic()
        if now_s - self._told_s >= self._gap_s:
            self._told_s = now_s
            which = f", {self._asked} of {self._count}" if self._count > 1 else ""
            self._tell(Event("looking", "pool", f"asking for {address}{which}"))

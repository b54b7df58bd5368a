"""Reports for every form in which `verify` answers: a server that does well, one that does not, and texts that try to break out."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ntpjoin.checks.verify import judge
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.show.report import Report
from tests.judged import GOOD
from tests.sample import BOARD, PINS, WISH, converged, peer

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

HEALTHY = Report(0, judge(converged(), WISH, PINS, GOOD), BOARD, PINS)

#: What a text, or a name that the daemon tells, may have in it.
HOSTILE = {
    "a pipe": "a|b | 'c'=1;2;3",
    "quotes": "it's \"so\" `called` 'x'=1",
    "newlines": "one\ntwo\r\nthree\vfour\x85five\u2028six",
    "escapes": "\x1b[31mred\x1b[0m \a\0\t\\n\\",
    "unicode": "Müller … 時刻 \U0001f552 \u202egnihtemos \ud800",
    "markup": '{id="x",state="ok"} 1\n# HELP a b <b> &amp; $ARG1$ $(id) !',
    "much": "0123456789" * 1000,
    "much of it wide": "時" * 10000,
    "nothing": "",
}

MEASURES = (
    Check("sync.offset", OK, "offset +0.4 ms", measure=Measure(0.0004, "s", 0.03, 0.06)),
    Check("sync.stratum", OK, "stratum 3", measure=Measure(3, "", 5, 7)),
    Check("sync.survivors", OK, "5 of 5 agree", measure=Measure(5, "", fail=3, falls=True)),
    Check("load.conntrack", WARN, "the table fills", measure=Measure(81.25, "%", 80, 95)),
    Check("leapfile", OK, "good for long", measure=Measure(-1.5e-7, "s", 0.1)),
    Check("odd", UNKNOWN, "no number", measure=Measure(float("nan"), "s", float("inf"))),
    Check("huge", OK, "many", measure=Measure(1e12, "")),
)


def _line(state: CheckState, percent: Optional[float] = None) -> Check:
    return Check("x", state, "words", measure=None if percent is None else Measure(percent, "%"))


def hostile(text: str) -> Report:
    """A report in which everything that is not ours says this."""
    checks = (
        Check("sync.peer", FAIL, text, text),
        Check("upstreams.silent", WARN, text),
        Check("upstreams.silent", WARN, text),
        *MEASURES,
    )
    peers = (*(peer(number, source=text, refid=text) for number in (1, 2)), peer(3, source=text, tally="?"))
    return Report(1, checks, replace(BOARD, peers=peers))


#: Lines of one check, and the number that is told of it, None where none is.
SEVERAL: dict[str, tuple[tuple[Check, ...], Optional[float]]] = {
    "the worse one has none": ((_line(OK, 0.05), _line(WARN)), 0.05),
    "the worse one comes first and has none": ((_line(FAIL), _line(WARN, 30.0), _line(OK, 1.0)), 30.0),
    "the worse one is not known": ((_line(OK, 0.05), _line(FAIL, float("nan"))), 0.05),
    "unknown is worse than ok": ((_line(UNKNOWN, 2.0), _line(OK, 1.0)), 2.0),
    "the last of two that are as bad": ((_line(WARN, 1.0), _line(WARN, 2.0)), 2.0),
    "all have one": ((_line(OK, 1.0), _line(FAIL, 3.0), _line(WARN, 2.0)), 3.0),
    "none has one": ((_line(OK), _line(WARN)), None),
}

"""Whatever a daemon tells of itself and whatever stands in its files: it is judged, each check is whole, and twice is the same."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.board import Billboard, Peer, SystemVars
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.verify import judge, settling
from ntpjoin.facts import Directive, Facts, FileFact
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Asked, CheckState, Pin
from tests.hostile import SETTINGS
from tests.sample import ADDRESSES, OWN4, OWN6, PINS, ROW, WISH, converged, sample

_REAL = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_NAMES = st.sampled_from(
    ["", "time.google.com", "0.pool.ntp.org", "SHM(0)", "LOCAL(0)", *(pin.name for pin in PINS)]
) | st.text(max_size=12)
_PLACES = st.sampled_from([*ADDRESSES, "127.127.1.0", "127.127.28.0", "0.0.0.0", "::", "216.239.35.0", ""]) | (
    st.ip_addresses().map(str)
)
_REFIDS = st.sampled_from(["", "RATE", "DENY", "POOL", "INIT", "254.1.2.3", "GPS"]) | st.text(max_size=8)
PEERS = st.builds(
    Peer,
    associd=st.integers(1, 9),
    tally=st.sampled_from(list(" x.-+#*o")),
    address=_PLACES,
    refid=_REFIDS,
    stratum=st.integers(-1, 300),
    reach=st.integers(-1, 0x1FF),
    hmode=st.integers(0, 9),
    poll_s=st.integers(8, 1 << 17),
    configured=st.booleans(),
    when_s=_REAL,
    delay_ms=_REAL,
    offset_ms=_REAL,
    jitter_ms=_REAL,
    source=_NAMES,
    flash=st.integers(0, 0xFFFFF),
    event=st.sampled_from(["", "rate_exceeded", "reachable"]),
)
SYSTEMS = st.builds(
    SystemVars,
    leap=st.sampled_from([0, 0, 0, 1, 3, -1, 9]),
    stratum=st.integers(-1, 300),
    refid=_REFIDS,
    peer_associd=st.integers(0, 9),
    version=st.text(max_size=8),
    offset_ms=_REAL,
    root_delay_ms=_REAL,
    root_dispersion_ms=_REAL,
    sys_jitter_ms=_REAL,
    frequency_ppm=_REAL,
    smear_interval_s=_REAL,
)
BOARDS = st.builds(
    lambda system, peers, minsane: Billboard(system, tuple(peers), minsane),
    st.sampled_from([None, 1, 1, 1, 1]).flatmap(lambda some: SYSTEMS if some else st.none()),
    st.lists(PEERS, max_size=10),
    st.none() | st.integers(-1, 20),
)
_WORDS = st.sampled_from([
    "restrict", "unrestrict", "delrestrict", "server", "pool", "peer", "refclock", "limit", "discard",
    "leapsmearinterval", "includefile", "default", "source", "localhost", "mask", "-4", "-6", "noquery",
    "nomodify", "limited", "kod", "nopeer", "ignore", "noserve", "notrust", "version", "ntpport", "average",
    "burst", "minimum", "minpoll", "iburst", "shm", "local", "unit", "4", "-1", "1e999", "0", "0.5", "300",
    "10.0.0.0/8", "192.0.2.1", "fd00::/8", "::1", "127.0.0.1", "255.255.255.0", "255.0.255.0", "ffff::",
    "time.google.com", "0.pool.ntp.org", "127.127.1.0", "nan", "inf",
]) | st.text(max_size=6)  # fmt: skip
_FLAGS = ("noquery", "nomodify", "limited", "kod", "nopeer", "ignore", "noserve", "notrust", "version", "ntpport", "x")


def _line(heads: str, names: str, options: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Such a line as may be written: a keyword, somebody, and what of him."""
    head, name = st.sampled_from(heads.split()), st.sampled_from(names.split("|"))
    rest = st.lists(st.sampled_from(options), max_size=6)
    return st.builds(lambda one, two, more: (one, *two.split(), *more), head, name, rest)


_RESTRICT = _line(
    "restrict restrict unrestrict delrestrict",
    "default|default|-6 default|-4 default|source|127.0.0.1|10.0.0.0/8|10.0.0.0 mask 255.0.0.0|192.0.2.9|some.name",
    _FLAGS,
)
_SERVER = _line(
    "server pool peer",
    "192.0.2.1|192.0.2.9|time.google.com|0.pool.ntp.org|127.127.1.0|-6 a.example",
    ("burst", "iburst", "minpoll", "4", "7", "noselect"),
)
_LIMIT = _line("limit discard leapsmearinterval", "average|burst|minimum|9", ("0.1", "9", "1", "minimum", "average"))
LINES = st.builds(
    Directive,
    st.sampled_from([ROW.config, "/own.conf"]),
    st.integers(1, 99),
    st.one_of(_RESTRICT, _RESTRICT, _SERVER, _LIMIT, st.lists(_WORDS, min_size=1, max_size=6).map(tuple)),
)


def _text(lines: list[Directive]) -> bytes:
    return "\n".join(" ".join(line.words) for line in lines).encode(errors="replace")


HOSTS = st.builds(
    lambda board, own, whole, age_s, row: converged(
        system__row=row,
        daemon__board=board,
        daemon__age_s=age_s,
        daemon__config=row.config,
        directives=tuple(own),
        files={row.config: FileFact(_text(whole), 0o644, "root:root")},
        journal__written={},
    ),
    BOARDS,
    st.lists(LINES, max_size=8),
    st.lists(LINES, max_size=8),
    st.floats(0, 1e6),
    st.sampled_from(ROWS),
)
PROBLEMS = st.sampled_from(["no answer", "kiss-o'-death RATE", "kiss-o'-death DENY", "kiss-o'-death ", ""])
EVIDENCE = st.builds(
    lambda problems, tells, complaints: Evidence(
        {one: Asked(one, None if why else sample(one), why) for one, why in zip((OWN4, OWN6), problems)},
        dict(zip((OWN4, OWN6), tells)),
        {},
        tuple(complaints),
    ),
    st.lists(PROBLEMS, max_size=2),
    st.lists(st.sampled_from([None, (), (6,), (6, 7)]), max_size=2),
    st.lists(st.sampled_from(["LEAP_SMEAR", "x"]), max_size=2),
)
CHOSEN = st.lists(st.sampled_from(PINS) | st.builds(Pin, _NAMES, _PLACES, st.integers(0, 17)), max_size=6).map(tuple)


@settings(SETTINGS, max_examples=250)
@given(HOSTS, EVIDENCE, CHOSEN)
def test_judging_never_fails_and_every_check_is_whole(facts: Facts, evidence: Evidence, pins: tuple[Pin, ...]) -> None:
    checks = judge(facts, WISH, pins, evidence)
    assert checks == judge(facts, WISH, pins, evidence)
    assert settling(facts, checks) in (True, False)
    for check in checks:
        assert check.text
        assert check.measure is None or math.isfinite(check.measure.value)
        if check.state is CheckState.OK:
            assert not check.remedy
        elif check.state is CheckState.FAIL and check.id.startswith(("sync.", "upstreams.", "access.", "config.")):
            assert check.remedy, check
    # Without a system peer there is one alarm about the clock, and none about how good it is.
    board = facts.daemon.board if facts.daemon else Billboard()
    if board.system and board.system_peer is None:
        assert [check.id for check in checks if check.id.startswith("sync.")] == ["sync.peer"]


@settings(SETTINGS, max_examples=100)
@given(st.lists(LINES, max_size=12))
def test_one_line_is_blamed_in_one_check_only(own: list[Directive]) -> None:
    """Of the default's own questions: that it opens the daemon to somebody, or follows the pool, is another thing."""
    facts = converged(directives=tuple(Directive("/own.conf", number, one.words) for number, one in enumerate(own, 1)))
    empty = Evidence({}, {}, {})
    blamed = [
        check.remedy
        for check in judge(facts, WISH, PINS, empty)
        if check.id in ("access.serve", "access.noquery", "access.nomodify", "access.limited") and check.remedy
    ]
    assert len(blamed) == len(set(blamed))

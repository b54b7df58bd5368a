"""How servers stand in the pool, in words: scores, spans, names that lead nowhere, whatever this host's clock says."""

from __future__ import annotations

import io

from ntpjoin.checks.complaints import complaints
from ntpjoin.checks.standing import Standing, judge, unknown
from ntpjoin.look.pool import Checked, Monitor, Record, Remark
from ntpjoin.show.standings import Scores, Told, Wanted, text
from ntpjoin.show.terminal import Style

FOUR = "203.0.113.7"
NOW = 1_796_000_000


def shown(*told: Told, now_s: float = NOW, wide: int = 0, wanted: Wanted = Scores.wanted) -> str:
    """As on a terminal so wide, or as in a file."""
    style = Style(io.StringIO())
    style.width = wide or None
    return text(Scores(told, 0, now_s, wanted), style)


def scored(score: float, *at_s: int) -> Record:
    """What is known of a server with one monitor that checked at these times."""
    checks = tuple(Checked(one, 1, score, 1.0, 0.001, 20.0) for one in at_s)
    return Record(FOUR, (Monitor(1, "berlin", "active", score),), checks[-1:], checks)


def stands(score: float, *at_s: int, now_s: float = NOW) -> Standing:
    return judge(FOUR, scored(score, *at_s), now_s)


def test_a_score_that_just_does_not_suffice_does_not_look_as_if_it_did() -> None:
    found = shown(Told(stands(9.97, NOW)), wanted=Wanted(monitors=True))
    assert f"{FOUR}    9.9  not in the pool, which takes 10; " in found
    assert " 9.9  0 s ago" in found
    assert "10.0" not in found
    assert " -0.0 " not in shown(Told(stands(-0.0, NOW)))


def test_how_long_it_was_watched_is_told_by_the_checks_alone() -> None:
    for now_s in (NOW, NOW - 7200, NOW + 86_400):
        found = shown(Told(stands(20.0, NOW - 3 * 3600, NOW, now_s=now_s), ()), now_s=now_s)
        assert "points lost at 0 of 2 checks in 3 h" in found
    behind = shown(Told(stands(20.0, NOW, now_s=NOW - 7200)), now_s=NOW - 7200, wanted=Wanted(monitors=True))
    assert "active   20.0  in the future" in behind
    assert " ago" not in behind


def test_where_there_are_no_checks_none_are_told_of() -> None:
    only = Record(FOUR, (), (Checked(NOW, 24, 12.0, 1.0),), ())
    assert "points lost" not in shown(Told(judge(FOUR, only, NOW), ()))


def test_of_many_each_name_that_leads_nowhere_is_told() -> None:
    names = [f"ntp{number}.example.net" for number in range(1, 9)]
    lost = [Told(unknown(name, "no such name")) for name in names]
    assert shown(*lost) == f"? 8 servers: no such name\n      {' '.join(names)}"
    narrow = shown(*lost, wide=60)
    assert narrow.split()[6:] == names
    assert max(map(len, narrow.splitlines())) < 60
    addresses = [Told(unknown(f"192.0.2.{number}", "not asked")) for number in range(1, 9)]
    assert shown(*addresses) == "? 8 servers: not asked"


def test_of_many_that_were_not_checked_each_is_told() -> None:
    """Somebody has to look at them, and they are known by nothing but their addresses."""
    addresses = [f"192.0.2.{number}" for number in range(1, 9)]
    found = shown(*(Told(judge(one, Record(one, (), (), ()), NOW)) for one in addresses))
    assert [line.split()[1] for line in found.splitlines() if line.startswith("?")] == addresses


def test_why_points_were_lost_is_folded_at_the_edge() -> None:
    many = tuple(Monitor(number, f"m{number}", "active", 5.0) for number in range(9))
    lost = [Remark(NOW, 1, "m1", -5.0, None, 0, "read udp [2001:db8::1]:41234->[2001:db8:113::7]:123: i/o timeout")]
    told = Told(stands(5.0, NOW - 7200, NOW), complaints(lost, many), "")
    for wide in (60, 80):
        lines = shown(told, wide=wide).splitlines()
        assert max(map(len, lines)) < wide
        assert len(lines) > len(shown(told).splitlines())
    assert max(map(len, shown(Told(stands(5.0, NOW), None, "because " * 30), wide=60).splitlines())) < 60

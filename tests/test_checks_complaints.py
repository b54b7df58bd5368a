"""Every text that a monitor writes, and every way to lose points without one, is explained; and who complains is counted."""

from __future__ import annotations

from typing import Optional

import pytest

from ntpjoin.checks.complaints import complaints, kind_of
from ntpjoin.checks.scoring import Outcome, step
from ntpjoin.look import pool
from ntpjoin.look.pool import Monitor, Remark
from ntpjoin.look.sites import BETA, POOL
from tests import pool_site
from tests.pool_site import always, good, lossy, server, then

NOW = 1_796_000_000.0
MONITORS = tuple(Monitor(number, f"m{number}", "active", 20.0) for number in range(1, 13))


def remark(
    error: str = "",
    points: float = 1.0,
    offset_s: Optional[float] = 0.0,
    *,
    leap: int = 0,
    monitor: int = 1,
    at_s: int = 1,
) -> Remark:
    return Remark(at_s, monitor, f"m{monitor}", points, offset_s, leap, error)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        ("network: i/o timeout", "no answer within 3 s"),
        ("read udp 192.0.2.1:41234->203.0.113.7:123: i/o timeout", "no answer within 3 s"),
        ("context deadline exceeded", "no answer within 3 s"),
        ("network: read: connection refused", "nothing listens on UDP 123 there"),
        ("network: read: no route to host", "no way leads there"),
        ("network: connect: network is unreachable", "no way leads there"),
        ("network: read: permission denied", "no way leads there"),
        ("RATE", "it asks them to ask less often (RATE)"),
        ("DENY", "it refuses them (DENY, RSTR)"),
        ("RSTR", "it refuses them (DENY, RSTR)"),
        ("INIT", "it says that it is not synchronised"),
        ("STEP", "it says that it is not synchronised"),
        ("bad stratum 16 (referenceID: 0x494e4954, INIT)", "it says that it is not synchronised"),
        ("bad stratum 0 (referenceID: 0x0)", "it says that it is not synchronised"),
        ("bad stratum 11", "its stratum is too high"),
        ("untrusted zero offset", "an offset of exactly 0, which is not believed"),
        ("server response didn't match request", "an answer that does not count"),
        ("invalid mode in response", "an answer that does not count"),
        ("invalid transmit time in response", "an answer that does not count"),
        ("server clock ticked backwards", "an answer that does not count"),
        ("kiss of death received", "an answer that does not count"),
        ("something new", "another error"),
    ],
)
def test_every_text_has_its_meaning(error: str, what: str) -> None:
    kind = kind_of(remark(error, -4.0, None))
    assert kind is not None
    assert kind.what == what
    assert kind.means
    assert kind.remedy


@pytest.mark.parametrize(
    ("offset_s", "stratum", "what"),
    [
        (0.0, 2, None),
        (-0.025, 2, None),
        (0.026, 2, "its clock is off by 25 to 100 ms"),
        (-0.1, 2, "its clock is off by 25 to 100 ms"),
        (0.101, 2, "its clock is off by 100 to 750 ms"),
        (-0.8, 2, "its clock is off by 750 ms to 3 s"),
        (3.1, 2, "its clock is off by more than 3 s"),
        (0.0, 9, "its stratum is 8 or more"),
        (0.01, 8, "its stratum is 8 or more"),
    ],
)
def test_points_that_are_lost_without_a_word_are_explained(offset_s: float, stratum: int, what: Optional[str]) -> None:
    """By the pool's own steps: what costs has a kind, what does not has none."""
    taken = step(Outcome(stratum, offset_s))
    kind = kind_of(remark("", taken.points, offset_s))
    assert (kind.what if kind else None) == what


def test_silence_without_a_word_is_silence() -> None:
    kind = kind_of(remark("", -5.0, None))
    assert kind is not None
    assert kind.what == "no answer within 3 s"


def test_an_alarm_that_costs_nothing_is_told() -> None:
    kind = kind_of(remark(leap=3))
    assert kind is not None
    assert "leap 3" in kind.what
    assert "costs no points" in kind.means
    assert kind_of(remark(leap=1)) is None


def test_all_of_one_kind_are_told_together_the_most_frequent_first() -> None:
    rows = [
        *(remark("RATE", -3.5, None, monitor=n % 3 + 1, at_s=n) for n in range(5)),
        *(remark("network: i/o timeout", -5.0, None, monitor=4, at_s=n) for n in range(2)),
        *(remark(monitor=n % 12 + 1) for n in range(40)),
        *(remark("RATE", -3.5, None, monitor=24) for _ in range(9)),  # the scorer repeats what it took
    ]
    rate, lost = complaints(rows, MONITORS)
    assert (rate.count, rate.monitors, rate.points, rate.newest_s, rate.words) == (5, 3, 22.5, 4, "RATE")
    assert (lost.count, lost.monitors, lost.points) == (2, 1, 12.0)
    assert (
        lost.remedy("203.0.113.7", POOL)
        == "on another machine: ntpjoin probe 203.0.113.7; on the server: ntpjoin verify"
    )


def test_what_to_type_asks_the_same_system() -> None:
    [off] = complaints([remark("", -1.0, 0.2)], MONITORS)
    assert off.remedy("203.0.113.7", POOL).endswith("with others, ntpjoin score --monitors 203.0.113.7")
    assert off.remedy("203.0.113.7", BETA).endswith(f"with others, ntpjoin score --site {BETA} --monitors 203.0.113.7")


def test_after_simulated_weeks_every_point_lost_is_accounted_for() -> None:
    """What the log of the site tells comes to the points that its scores have lost."""
    life = then(
        (NOW - 30_000, good()),
        (NOW - 20_000, lossy(0.3)),
        (NOW - 10_000, always(Outcome(error="RATE"))),
        (NOW, good(60, 90)),
    )
    found = server("203.0.113.7", life, NOW - 14 * 86400, NOW)
    rows = sorted(found.rows, key=lambda row: -row.at_s)[:10_000]
    record = pool.record("203.0.113.7", pool_site.told(found, rows))
    told = complaints(pool.remarks(pool_site.log(rows).encode()), record.monitors)
    cost = sum(1 - check.step for check in record.checks)
    assert sum(one.points for one in told) == pytest.approx(cost, abs=0.01)
    assert sum(one.count for one in told) == sum(check.step < 1 for check in record.checks)
    assert {one.kind.what for one in told} >= {
        "no answer within 3 s", "it asks them to ask less often (RATE)", "its clock is off by 25 to 100 ms",
    }  # fmt: skip

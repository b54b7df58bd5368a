"""What the daemons of three releases said on the wire gives the cells that their own ntpq showed at that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.show.billboard import rows
from ntpjoin.wire import board as reading
from tests.billboards import ENGINES, compare, listed, recorded


@pytest.mark.parametrize("engine", ENGINES)
def test_the_recorded_packets_give_ntpqs_cells(engine: str) -> None:
    verdicts = [compare(one, one.board()) for one in recorded(engine)]
    assert [line for verdict in verdicts for line in verdict.wrong] == []
    assert all(verdict.comparable for verdict in verdicts)
    assert len(verdicts) == 6
    assert sum(verdict.cells for verdict in verdicts) > 6 * 100


@pytest.mark.parametrize("engine", ENGINES)
def test_the_recordings_show_every_kind_of_source_and_how_it_fares(engine: str) -> None:
    boards = [one.board() for one in recorded(engine)]
    steady = rows(boards[-1], ())
    assert {row.type for row in steady} >= (
        {"u", "l", "p", "s", "B", "a"} if engine.startswith("classic") else {"u", "l", "p"}
    )
    assert {row.tally for row in steady} >= {"*", " ", "x"}
    assert {row.stratum for row in steady} >= {"1", "2", "12", "16"}
    assert max(len(row.remote) for row in steady) == len("2001:db8:2:0:5054:ff:fe12:3456")
    assert {row.reach for row in rows(boards[0], ())} <= {"0", "1"}
    assert "377" in {row.reach for row in steady}
    first, last = boards[0].system, boards[-1].system
    assert first
    assert last
    assert (first.leap, last.leap, last.event) == (3, 0, "clock_sync")
    assert (first.is_ntpsec, last.smear_interval_s) == (engine.startswith("ntpsec"), None)
    counters = boards[-1].counters
    assert None not in vars(counters).values()
    assert (counters.received or 0) > 100
    assert counters.declined == counters.limited == counters.dropped == 0
    assert (counters.monitored_most or 0) > (counters.monitored or 0) > 5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("column", ["when", "refid", "type", "poll", "reach", "offset", "tally"])
def test_a_cell_that_differs_is_found(engine: str, column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: each of these columns, spoiled, is told."""
    one = recorded(engine)[-1]
    board = one.board()
    spoilt: dict[str, dict[str, Any]] = {
        "when": {"when_s": 3000.0},
        "refid": {"refid": "XXXX"},
        "type": {"hmode": 6},
        "poll": {"poll_s": 4096},
        "reach": {"reach": 1},
        "offset": {"offset_ms": 77.7},
        "tally": {"tally": "#"},
    }
    verdict = compare(one, replace(board, peers=tuple(replace(peer, **spoilt[column]) for peer in board.peers)))
    assert verdict.wrong
    monkeypatch.setattr(reading, "_PEER", (*reading._PEER, "keyid"))
    with pytest.raises(AssertionError, match="record anew"):
        one.board()


def test_lines_of_ntpq_are_taken_apart() -> None:
    page = (
        "     remote           refid      st t when poll reach   delay   offset  jitter\n"
        "==============================================================================\n"
        "x2001:db8:2:0:50 .GPS.            1 u   34m 1024  377    0.250 +10000.0   0.064\n"
        " 192.0.2.20      .INIT.          16 u    -   64    0    0.000   +0.000   0.000\n"
    )
    assert listed(page) == [
        ("x", "2001:db8:2:0:50", ".GPS.", "1", "u", "34m", "1024", "377", "0.250", "+10000.0", "0.064"),
        (" ", "192.0.2.20", ".INIT.", "16", "u", "-", "64", "0", "0.000", "+0.000", "0.000"),
    ]

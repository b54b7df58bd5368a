"""The billboard as people see it: ntpq's columns and notation, addresses uncut, a paragraph a source where there is no room."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard, Peer
from ntpjoin.show import billboard
from ntpjoin.show.terminal import Style
from tests.sample import BOARD, NAMES, PINS, SYSTEM_VARS, peer
from tests.stream import Stream

PLAIN = Style(Stream(), "never")
LONG = "2001:db8:1234:5678:9abc:def0:1234:5678"
CLASSIC = replace(SYSTEM_VARS, version="ntpd 4.2.8p15@1.3728-o")


def board(*peers: Peer, classic: bool = False) -> Billboard:
    return replace(BOARD, peers=peers, system=CLASSIC if classic else SYSTEM_VARS)


TWO = board(
    peer(1), peer(2, address=LONG, refid="GPS", delay_ms=None, reach=3, tally="x", when_s=None, offset_ms=-1234.5)
)
LINES = [
    "   remote                                 refid      st t when poll reach delay    offset jitter name",
    f"  *192.0.2.1                              192.0.2.99  2 u   12   64   377 1.500     0.400  0.100 {NAMES[0]}",
    f"  x{LONG} .GPS.       2 u    -   64     3     - -1234.500  0.100",
]
PAIRS = [
    "   remote  name",
    "     refid      st t when poll reach delay    offset jitter",
    f"  *192.0.2.1  {NAMES[0]}",
    "     192.0.2.99  2 u   12   64   377 1.500     0.400  0.100",
    f"  x{LONG}",
    "     .GPS.       2 u    -   64     3     - -1234.500  0.100",
]
PARAGRAPHS = [
    "  *192.0.2.1",
    f"     {NAMES[0]}",
    "     refid 192.0.2.99, st 2, t u,",
    "     when 12, poll 64, reach 377,",
    "     delay 1.500, offset 0.400,",
    "     jitter 0.100",
    f"  x{LONG}",
    "     refid .GPS., st 2, t u, when -,",
    "     poll 64, reach 3, delay -,",
    "     offset -1234.500, jitter 0.100",
]


def test_a_line_a_source_in_columns_with_its_pinned_name() -> None:
    assert billboard.text(TWO, PINS, PLAIN).splitlines() == LINES
    assert billboard.text(Billboard(), PINS, PLAIN) == ""


@pytest.mark.parametrize(
    ("width", "lines"),
    [(200, LINES), (114, LINES), (113, PAIRS), (80, PAIRS), (60, PAIRS), (59, None), (40, PARAGRAPHS), (10, None)],
)
def test_a_narrow_terminal_gets_two_lines_a_source_or_a_paragraph(
    width: int, lines: Optional[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ntpjoin.show.terminal.os.get_terminal_size", lambda _: os.terminal_size((width, 24)))
    monkeypatch.setattr(Stream, "fileno", lambda _: 1)
    found = billboard.text(TWO, PINS, Style(Stream(tty=True), "never")).splitlines()
    assert lines in (None, found)
    told = " ".join(" ".join(found).split())
    assert all(cell in told for cell in (LONG, NAMES[0], "192.0.2.99", "377", "-1234.500", ".GPS."))
    assert all(len(line) < max(width, 26) or LONG in line for line in found)


def row(**changes: Any) -> billboard.Row:
    return classic_row(classic=False, **changes)


def classic_row(*, classic: bool = True, **changes: Any) -> billboard.Row:
    [found] = billboard.rows(board(peer(1, **changes), classic=classic), ())
    return found


@pytest.mark.parametrize(
    ("refid", "ntpsec", "classic"),
    [
        ("INIT", ".INIT.", ".INIT."),
        ("PPS", ".PPS.", ".PPS."),
        ("", "..", ""),
        ("192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("....", "....", "......"),
        ("G.P", "G.P", ".G.P."),
    ],
)
def test_codes_stand_between_dots_as_each_ntpq_has_it(refid: str, ntpsec: str, classic: str) -> None:
    assert (row(refid=refid).refid, classic_row(refid=refid).refid) == (ntpsec, classic)


def test_a_loop_is_told_where_classic_ntpq_tells_it() -> None:
    assert [classic_row(flash=0x0C00).refid, row(flash=0x0C00).refid] == ["(loop)", "192.0.2.99"]
    assert classic_row(flash=0x0400).refid == "192.0.2.99"


@pytest.mark.parametrize(
    ("changes", "remote", "name"),
    [
        ({"address": "192.0.2.77"}, "192.0.2.77", ""),
        ({"address": "192.0.2.77", "source": "ntp.example"}, "192.0.2.77", "ntp.example"),
        ({"address": "127.127.28.0", "source": "SHM(0)"}, "SHM(0)", ""),
        ({"address": "127.127.28.0"}, "127.127.28.0", ""),
        ({"address": "0.0.0.0", "source": "pool.example"}, "pool.example", ""),
        ({"address": "::", "source": "pool.example"}, "pool.example", ""),
    ],
)
def test_who_has_no_address_is_called_by_name(changes: dict[str, str], remote: str, name: str) -> None:
    found = row(**changes)
    assert (found.remote, found.name) == (remote, name)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "-"),
        (0, "-"),
        (0.99, "-"),
        (1, "1"),
        (63.9, "63"),
        (2048, "2048"),
        (2049, "34m"),
        (131072 // 8, "273m"),
        (18000, "300m"),
        (18031, "5h"),
        (131072, "36h"),
        (345600, "96h"),
        (349200, "4d"),
        (86400 * 999, "999d"),
        (86400 * 1001, "3y"),
        (86400 * 365.25 * 40, "40y"),
    ],
)
def test_how_long_is_written_as_ntpq_writes_it(seconds: float, text: str) -> None:
    assert billboard.interval(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0.000"), (-0.0004, "0.000"), (-0.0006, "-0.001"), (10000.1239, "10000.124")]
)
def test_numbers_have_three_places(value: float, text: str) -> None:
    assert row(offset_ms=value).offset == text


def test_a_name_in_the_daemons_own_words_does_not_hide_the_pinned_one() -> None:
    [found] = billboard.rows(board(peer(1, source="other.example")), PINS)
    assert found.name == NAMES[0]

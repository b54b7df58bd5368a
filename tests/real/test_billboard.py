"""The billboard is what the engine's own ntpq shows, from the start of the daemon on: classic 4.2.8p15, NTPsec 1.2.2 and 1.2.3.

Each runs on a host of its own beside the lab's time servers, without the right to set a clock, all three at once. A round is
`ntpq -pn`, ntpjoin's look, `ntpq -pn`; cells on which both runs agree must be equal to ours. What was said on the wire is read a
second time afterwards, and must give the same cells. It is left in build/billboards, where tests/golden/billboards came from.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.show.billboard import rows
from tests.billboards import ENGINES, Round, compare, record
from tests.lab import Lab
from tests.lab.hosts import HOSTS
from tests.real.engines import root_of, running

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
#: An IPv6 address that ntpq has no room for.
LONG = "2001:db8:2:0:5054:ff:fe12:3456"

#: Every kind of source that both engines know: good ones of both families, a second stratum, a dead one, one that is not
#: synchronised, a liar, this host's own clock, and names that servers are drawn from.
CONFIG = f"""
restrict default nomodify
restrict 127.0.0.1
restrict ::1
server {HOSTS["alpha"].ipv4} iburst
server {HOSTS["bravo"].ipv6} iburst
server {HOSTS["delta"].ipv4} iburst
server {LONG} iburst
server {HOSTS["golf"].ipv4} iburst
server {HOSTS["dead"].ipv4} iburst
server {HOSTS["unsync"].ipv4} iburst
server {HOSTS["liar"].ipv4} iburst
server 127.127.1.0
fudge 127.127.1.0 stratum 12
pool {HOSTS["charlie"].name} iburst
"""
#: Kinds that only classic ntpd knows: symmetric, broadcast, manycast.
CLASSIC_CONFIG = f"""
restrict source nomodify
peer {HOSTS["foxtrot"].ipv6}
broadcast 198.51.100.255
manycastclient 224.0.1.1
"""


@contextmanager
def witnessed(lab: Lab, engine: str, number: int) -> Iterator[list[str]]:
    """The daemon, just started; gives the words that run its witness there."""
    config = CONFIG + (CLASSIC_CONFIG if engine.startswith("classic") else "")
    with running(lab, engine, number, config) as host:
        witness = ["env", f"--chdir={REPOSITORY}", sys.executable, "-m", "tests.real.witness"]
        yield lab.sandbox.argv([*witness, str(root_of(lab, engine))], host=host)


def watched(lab: Lab, numbers: dict[str, int], rounds: int, gap_s: float) -> dict[str, list[dict[str, Any]]]:
    """So many rounds of each engine, side by side; half way an upstream falls silent."""
    found: dict[str, list[dict[str, Any]]] = {engine: [] for engine in numbers}
    with ExitStack() as stack:
        stack.enter_context(lab.host("echo").another(LONG))
        witnesses = {
            engine: stack.enter_context(
                subprocess.Popen(
                    [*stack.enter_context(witnessed(lab, engine, number)), str(rounds), str(gap_s)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for engine, number in numbers.items()
        }
        for done in range(rounds):
            for engine, witness in witnesses.items():
                assert witness.stdout is not None
                found[engine].append(json.loads(witness.stdout.readline()))
            if done == rounds // 2:
                lab.upstream("bravo").stop()
    return found


def examine(engine: str, pages: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """How many rounds could be compared, and what differs in them."""
    told = [page for page in pages if "problem" not in page]
    record(engine, told, REPOSITORY / "build" / "billboards")
    boards = [(Round.of(page), Round.of(page).board()) for page in told]
    for page, (_, board) in zip(told, boards):
        assert [list(astuple(row)) for row in rows(board, ())] == page["rows"]
    verdicts = [compare(one, board) for one, board in boards]
    comparable = sum(verdict.comparable for verdict in verdicts)
    wrong = [text for verdict in verdicts for text in verdict.wrong]
    cells, garbled = (sum(getattr(verdict, name) for verdict in verdicts) for name in ("cells", "garbled"))
    print(
        f"{engine}: {comparable} of {len(pages)} rounds, {cells} cells, {len(wrong)} differ; {garbled} lines garbled for ntpq"
    )
    return comparable, wrong


def judge(lab: Lab, first: int, rounds: int, gap_s: float, least: int) -> None:
    """So many rounds of each engine, on hosts from this number on; at least so many can be compared, and nothing differs."""
    found = watched(lab, {engine: first + place for place, engine in enumerate(ENGINES)}, rounds, gap_s)
    lab.heal()
    results = {engine: examine(engine, pages) for engine, pages in found.items()}
    assert not [line for _, wrong in results.values() for line in wrong]
    assert all(comparable >= least for comparable, _ in results.values()), results


def test_the_billboard_is_what_ntpq_shows(lab: Lab) -> None:
    judge(lab, 61, rounds=8, gap_s=2, least=3)


@pytest.mark.campaign
def test_the_billboard_is_what_ntpq_shows_until_all_is_steady(lab: Lab) -> None:
    judge(lab, 71, rounds=50, gap_s=11, least=45)  # eight polls of 64 s each

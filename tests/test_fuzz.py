"""Whatever comes over the wire or out of a program: no crash but the errors that are documented, no hang, no blow-up.

`make check` tries a few examples of each, the same in every run; `make campaign` others, for ten minutes.
"""

from __future__ import annotations

import contextlib
import signal
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any, Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ntpjoin.errors import NtpjoinError
from tests import fuzz_lint, fuzz_rules, fuzz_wire
from tests.fuzz import spoiled, spoiled_bytes, swollen
from tests.printed import PRINTED

#: What fails may be long.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

#: How long the campaign draws examples, all properties together.
CAMPAIGN_S = 600

#: Nothing takes so long; a machine with other things to do may take a while.
HANGS_S = 60

#: An input of eight times the length may take so many times as long and as much room; what is quadratic takes 64.
TIMES, MORE = 8, 24
SMALL = 8_192
#: Below this nothing is said: a measurement of so little is one of the machine.
LEAST_S, LEAST_BYTES = 0.08, 4_000_000

FEW = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,)
)
MANY = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))


Property = tuple[st.SearchStrategy[Any], Callable[[Any], None]]


def tolerant(read: Callable[[str], object]) -> Callable[[str], None]:
    """Nothing but the errors that are documented comes out of it."""

    def check(text: str) -> None:
        with contextlib.suppress(NtpjoinError):
            read(text)

    return check


PROPERTIES: Mapping[str, Property] = {
    "pieces of an answer": (fuzz_wire.pieces(), fuzz_wire.put_together),
    "pieces in any order": (fuzz_wire.doubled_pieces(), fuzz_wire.puts_together_whatever_order),
    "variables": (
        st.one_of(spoiled_bytes([*fuzz_wire.SYSTEMS, *fuzz_wire.PEERS]), st.binary(max_size=300)),
        fuzz_wire.reads_variables,
    ),
    "billboards": (fuzz_wire.tellings(), fuzz_wire.reads_a_billboard),
    "chains in a circle": (fuzz_rules.chains(12, round_about=True), fuzz_rules.follows),
    "chains met again": (fuzz_rules.chains(5, round_about=False), fuzz_rules.follows_as_if_each_way_were_new),
    "lines of ntp.conf": (fuzz_lint.sentences(), fuzz_lint.judges),
    "mode 3": (
        st.lists(st.one_of(spoiled_bytes(fuzz_wire.REPLIES), st.binary(max_size=60)), max_size=4),
        fuzz_wire.hears,
    ),
    **{f"what {name} prints": (spoiled(printed), tolerant(printed.read)) for name, printed in PRINTED.items()},
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_nothing_that_comes_is_a_crash(name: str) -> None:
    strategy, check = PROPERTIES[name]
    settings(FEW, max_examples=40)(given(strategy)(in_time(check)))()


def in_time(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same, and what hangs is a failure."""

    def ended(_sign: int, _frame: object) -> None:
        raise AssertionError(f"it did not end within {HANGS_S} s")

    def checked(told: Any) -> None:
        former = signal.signal(signal.SIGALRM, ended)
        signal.alarm(HANGS_S)
        try:
            check(told)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, former)

    return checked


# --- time and room


def cost_s(read: Callable[[str], object], text: str) -> float:
    began_s = time.process_time()
    with contextlib.suppress(NtpjoinError):
        read(text)
    return time.process_time() - began_s


def room(read: Callable[[str], object], text: str) -> int:
    tracemalloc.start()
    try:
        with contextlib.suppress(NtpjoinError):
            read(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def grows_with_its_length(read: Callable[[str], object], told: tuple[str, str, str], *, rooms: bool) -> None:
    """Eight times as much of a piece takes not much more than eight times as long, and as much room."""
    former, piece, latter = told
    many = max(1, SMALL // len(piece))
    small, large = (former + piece * (many * times) + latter for times in (1, TIMES))
    spent_s = cost_s(read, large)
    if spent_s > LEAST_S:
        # Measured again, and at its best: the machine has other things to do, too.
        spent_s = min(spent_s, cost_s(read, large))
        assert spent_s < max(LEAST_S, MORE * min(cost_s(read, small), cost_s(read, small))), (
            piece,
            former[-60:],
            latter[:60],
        )
    if rooms:
        assert room(read, large) < max(LEAST_BYTES, MORE * room(read, small)), (piece, former[-60:], latter[:60])


@pytest.mark.parametrize("name", PRINTED)
def test_no_length_is_too_much(name: str) -> None:
    def check(told: tuple[str, str, str]) -> None:
        grows_with_its_length(PRINTED[name].read, told, rooms=False)

    settings(FEW, max_examples=6)(given(swollen(PRINTED[name]))(in_time(check)))()


@pytest.mark.campaign
@pytest.mark.parametrize("name", PROPERTIES)
def test_nothing_that_comes_is_a_crash_for_long(name: str) -> None:
    strategy, check = PROPERTIES[name]
    for_long(strategy, check, name, 0.6 * CAMPAIGN_S / len(PROPERTIES))


@pytest.mark.campaign
@pytest.mark.parametrize("name", PRINTED)
def test_no_length_is_too_much_for_long(name: str) -> None:
    def check(told: tuple[str, str, str]) -> None:
        grows_with_its_length(PRINTED[name].read, told, rooms=True)

    for_long(swollen(PRINTED[name]), check, name, 0.4 * CAMPAIGN_S / len(PRINTED))


def for_long(strategy: st.SearchStrategy[Any], check: Callable[[Any], None], name: str, limit_s: float) -> None:
    ends_s, tried = time.monotonic() + limit_s, 0

    def counted(told: Any) -> None:
        nonlocal tried
        if time.monotonic() < ends_s:
            tried += 1
            in_time(check)(told)

    while time.monotonic() < ends_s:
        settings(MANY, max_examples=300)(given(strategy)(counted))()
    print(f"{name}: {tried} examples in {limit_s:.0f} s")

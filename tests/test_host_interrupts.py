"""Signals, real ones: raised at once while nothing is half done, kept while something is."""

from __future__ import annotations

import os
import signal

import pytest

from ntpjoin.errors import Interrupted
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.model import Event

SIGNALS = [
    (signal.SIGINT, "interrupted"),
    (signal.SIGTERM, "asked to end"),
    (signal.SIGHUP, "the terminal is gone"),
]


def send(sign: int) -> None:
    os.kill(os.getpid(), sign)


@pytest.mark.parametrize(("sign", "words"), SIGNALS)
def test_a_signal_is_raised_at_once(sign: signal.Signals, words: str) -> None:
    with Interrupts(), pytest.raises(Interrupted, match=words) as caught:
        send(sign)
    assert caught.value.signal == sign


@pytest.mark.parametrize(("sign", "words"), SIGNALS)
def test_a_deferred_signal_waits_for_the_check(sign: signal.Signals, words: str) -> None:
    reached = []
    with Interrupts() as interrupts:
        with interrupts.deferred("later"):
            send(sign)
            reached.append("inside")
        reached.append("behind")
        with pytest.raises(Interrupted, match=words):
            interrupts.check()
        interrupts.check()
    assert reached == ["inside", "behind"]


def test_deferring_inside_deferring_ends_with_the_outer_one() -> None:
    with Interrupts() as interrupts:
        with interrupts.deferred("later"):
            with interrupts.deferred("later"):
                pass
            send(signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupts.check()
        with pytest.raises(Interrupted):
            send(signal.SIGINT)


def test_a_signal_can_be_forgotten() -> None:
    with Interrupts() as interrupts:
        with interrupts.deferred("later"):
            send(signal.SIGTERM)
        interrupts.forget()
        interrupts.check()


def test_a_failure_ends_the_deferring() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(ValueError, match="x"), interrupts.deferred("later"):
            raise ValueError("x")
        with pytest.raises(Interrupted):
            send(signal.SIGINT)


def test_the_former_handlers_come_back() -> None:
    former = [signal.getsignal(sign) for sign, _ in SIGNALS]
    with Interrupts():
        assert [signal.getsignal(sign) for sign, _ in SIGNALS] != former
    assert [signal.getsignal(sign) for sign, _ in SIGNALS] == former


def test_what_is_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts():
            send(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


@pytest.mark.parametrize(("sign", "words"), SIGNALS)
def test_who_sends_a_signal_that_must_wait_hears_what_happens(sign: signal.Signals, words: str) -> None:
    heard: list[Event] = []
    with Interrupts(heard.append) as interrupts:
        with interrupts.deferred("this step ends first"):
            send(sign)
        assert [(event.kind, event.text) for event in heard] == [("heard", f"{words}: this step ends first")]
        with pytest.raises(Interrupted):
            interrupts.check()


def test_a_stream_that_is_busy_does_not_lose_the_signal() -> None:
    def busy(event: Event) -> None:
        raise RuntimeError("reentrant call", event)

    with Interrupts(busy) as interrupts:
        with interrupts.deferred("later"):
            send(signal.SIGTERM)
        with pytest.raises(Interrupted):
            interrupts.check()


def test_within_what_is_deferred_there_can_be_a_place_to_interrupt() -> None:
    reached = []
    with Interrupts() as interrupts, interrupts.deferred("later"):
        with pytest.raises(Interrupted, match="interrupted"), interrupts.at_once():
            send(signal.SIGINT)
        send(signal.SIGTERM)
        reached.append("deferred again")
        with pytest.raises(Interrupted, match="asked to end"), interrupts.at_once():
            reached.append("nor this")
    assert reached == ["deferred again"]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_each_signal_has_its_exit_code(sign: signal.Signals, code: int) -> None:
    assert Interrupted("x", sign).code == code

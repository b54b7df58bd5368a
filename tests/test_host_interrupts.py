"""Signals, real ones: raised at once while nothing is half done, kept while something is."""

from __future__ import annotations

import os
import signal

import pytest

from ntpjoin.errors import Interrupted
from ntpjoin.host.interrupts import Interrupts

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
        with interrupts.deferred():
            send(sign)
            reached.append("inside")
        reached.append("behind")
        with pytest.raises(Interrupted, match=words):
            interrupts.check()
        interrupts.check()
    assert reached == ["inside", "behind"]


def test_deferring_inside_deferring_ends_with_the_outer_one() -> None:
    with Interrupts() as interrupts:
        with interrupts.deferred():
            with interrupts.deferred():
                pass
            send(signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupts.check()
        with pytest.raises(Interrupted):
            send(signal.SIGINT)


def test_a_signal_can_be_forgotten() -> None:
    with Interrupts() as interrupts:
        with interrupts.deferred():
            send(signal.SIGTERM)
        interrupts.forget()
        interrupts.check()


def test_a_failure_ends_the_deferring() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(ValueError, match="x"), interrupts.deferred():
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

"""Ctrl-C, SIGTERM and SIGHUP: raised at once while nothing is half done, kept until the end of a step while something is."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Optional

from ntpjoin.errors import Interrupted
from ntpjoin.model import Event, Tell

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "asked to end", signal.SIGHUP: "the terminal is gone"}


class Interrupts:
    """Handles the three signals while it is open as a context manager; `tell` hears of those that must wait."""

    def __init__(self, tell: Tell = lambda _event: None) -> None:
        self._tell = tell
        self._pending: Optional[int] = None
        self._deferred = ""

    def __enter__(self) -> Interrupts:  # noqa: PYI034 - Self came with Python 3.11
        # What is ignored stays ignored: nohup(1) asks for that.
        heard = [sign for sign in _WORDS if signal.getsignal(sign) is not signal.SIG_IGN]
        self._former = {sign: signal.signal(sign, self._take) for sign in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for sign, handler in self._former.items():
            signal.signal(sign, handler)

    def _take(self, sign: int, _frame: Optional[FrameType]) -> None:
        self._pending = sign
        if not self._deferred:
            self.check()
        # The stream may be in the middle of a word that it was told before; it then refuses this one.
        with contextlib.suppress(RuntimeError):
            self._tell(Event("heard", "signal", f"{_WORDS[signal.Signals(sign)]}: {self._deferred}"))

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self._pending is not None:
            sign, self._pending = self._pending, None
            raise Interrupted(_WORDS[signal.Signals(sign)], sign)

    @contextlib.contextmanager
    def deferred(self, until: str) -> Iterator[None]:
        """What runs inside is not interrupted; a signal that comes meanwhile waits for `check`.

        `until` tells who sent it what will happen instead: "this step ends first".
        """
        outer, self._deferred = self._deferred, until
        try:
            yield
        finally:
            self._deferred = outer

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside what is deferred: here it may be interrupted after all."""
        outer, self._deferred = self._deferred, ""
        try:
            self.check()
            yield
        finally:
            self._deferred = outer

    def forget(self) -> None:
        """Drop a signal that came while undoing: undoing is what it asked for."""
        self._pending = None

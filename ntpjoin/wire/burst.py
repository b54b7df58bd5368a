"""Many questions to one DNS server, over UDP and in one loop: what is answered plainly costs no thread and little time.

All else, from silence to an answer that is cut short, is left to dnspython's resolver, which asks again.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from typing import Optional

from ntpjoin.wire import plain, sockets
from ntpjoin.wire.answers import Found

#: A name, and the kind of address that is asked for.
Job = tuple[str, int]

#: Questions on their way at the same time, each with a socket and so a port of its own, which a forger has to guess.
#: 1024 files is what many shells allow.
_MOST_OPEN = 800
#: The longest answer over UDP where nothing else was agreed on (RFC 1035, section 4.2.1).
_LONGEST = 512


def burst(
    jobs: Iterable[Job],
    server: str,
    port: int,
    *,
    pause_s: float,
    patience_s: float,
    on_end: Callable[[Job, Optional[Found]], None],
) -> None:
    """Ask the server at this literal address each question once, `pause_s` apart, and wait `patience_s` for what is open then.

    `on_end` hears of each question once, as soon as it is settled: what was found, or None where it is to be asked again.
    """
    # By the clock: a machine that is busy falls behind, but it does not take longer than that.
    due_s = time.monotonic()
    with _Burst(server, port, on_end) as asking:
        for job in jobs:
            asking.ask(job)
            due_s += pause_s
            asking.listen(due_s)
        ends_s = due_s + patience_s
        while asking.open and time.monotonic() < ends_s:
            asking.listen(ends_s)


class _Burst:
    def __init__(self, server: str, port: int, on_end: Callable[[Job, Optional[Found]], None]) -> None:
        self.open: dict[Job, socket.socket] = {}
        self._server, self._port = server, port
        self._on_end = on_end
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Burst:  # noqa: PYI034 (Self came with Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        for job in [*self.open]:
            self._end(job)
        self._selector.close()

    def ask(self, job: Job) -> None:
        """Send one question; where too many are open already, or the server cannot be reached, it ends."""
        if len(self.open) >= _MOST_OPEN:
            self._on_end(job, None)
            return
        name, kind = job
        try:
            question = plain.question(name, kind, os.urandom(2))
            door = self.open[job] = sockets.connect(self._server, self._port)
        except (OSError, plain.Unclear):
            self._on_end(job, None)
            return
        self._selector.register(door, selectors.EVENT_READ, (job, question))
        try:
            door.send(question)
        except OSError:
            self._end(job)

    def listen(self, until_s: float) -> None:
        """Hear what comes next, or else wait until then."""
        for key, _ in self._selector.select(max(0.0, until_s - time.monotonic())):
            self._hear(*key.data)

    def _hear(self, job: Job, question: bytes) -> None:
        """End the question, unless this is junk: then the answer may still be behind it."""
        found: Optional[Found] = None
        try:
            found = plain.answer(self.open[job].recv(_LONGEST), question)
        except (BlockingIOError, plain.Junk):
            return
        except (OSError, plain.Unclear):
            pass
        self._end(job, found)

    def _end(self, job: Job, found: Optional[Found] = None) -> None:
        door = self.open.pop(job)
        self._selector.unregister(door)
        door.close()
        self._on_end(job, found)

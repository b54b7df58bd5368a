"""Work beside other work. `concurrent.futures` would do, but brings `logging` with it: a tenth of what starting Python costs."""

from __future__ import annotations

import threading
from typing import Callable, Generic, Optional, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """A call that runs in a thread of its own from now on; `result` waits for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: list[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._done.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error

    def result(self) -> T:
        """What the call returned, or raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._done[0]

"""Asking the pool's site about servers: one question at a time and not fast, and none twice while its answer still counts.

Answers are kept from run to run, for as long as the site says, and so is its wish to be left alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from typing import Any, Optional, TypeVar

from ntpjoin.errors import WireError
from ntpjoin.host import cache
from ntpjoin.host.machine import Host
from ntpjoin.look import pool
from ntpjoin.look.boot import boot_id, since_boot_s
from ntpjoin.model import Event, Tell
from ntpjoin.records import dataclass
from ntpjoin.wire import http

T = TypeVar("T")

#: From the end of an answer to the next question, at least.
GAP_S = 1.0
#: How long an answer counts where the site does not say; and at most, whatever it says, its wish to be left alone, too.
_FRESH_S, _FRESH_MOST_S = 120.0, 3600.0
#: The site is waited for so long where it asks for it, else the rest goes unasked.
_PATIENCE_S = 60.0
#: All of an answer is to be there by then.
_TIMEOUT_S = 20.0
#: That many failures in a row, and the rest goes unasked.
_FAILURES = 3
_NOT_FOUND, _TOO_MANY, _UNAVAILABLE = 404, 429, 503


@dataclass(frozen=True)
class _Answer:
    """An answer that counts for so many seconds: the bytes of a page, or that there is none."""

    body: bytes
    counts_s: float
    found: bool = True


class Site:
    """The pool's site, asked by one run. `tell` hears when it is waited for."""

    def __init__(self, host: Host, url: str, tell: Tell = lambda _event: None) -> None:
        self._url = url
        self._tell = tell
        self._kept = _Kept(host)
        self._asked_s = float("-inf")
        self._failed = 0
        wait = self._kept.recall(url)
        self._closed = self._left_alone(wait.counts_s) if wait else None

    def record(self, address: str, rows: int) -> Optional[pool.Record]:
        """What it knows of this address, by its newest rows, at most 10000, of the last four days; None: it is not registered.

        Raises WireError where that cannot be told, and at once for all that follow where the site does not want to be asked.
        """
        url = f"{self._url}/scores/{address}/json?limit={rows}&monitor=*"
        return self._page(url, lambda body: pool.record(address, http.Page(url, body).data()))

    def remarks(self, address: str, rows: int) -> tuple[pool.Remark, ...]:
        """The same rows with the texts of errors; none where it is not registered. Raises WireError as `record`."""
        return self._page(f"{self._url}/scores/{address}/log?limit={rows}&monitor=*", pool.remarks) or ()

    def _page(self, url: str, read: Callable[[bytes], T]) -> Optional[T]:
        kept = self._kept.recall(url)
        if kept is not None:
            return read(kept.body) if kept.found else None
        if self._closed is not None:
            raise self._closed
        try:
            answer = self._asked(url)
            found = read(answer.body) if answer.found else None
        except WireError as error:
            self._failed += 1
            if self._failed == _FAILURES and self._closed is None:
                self._closed = WireError(f"not asked, for {_FAILURES} questions in a row have failed", error.remedy)
            raise
        self._failed = 0
        self._kept.keep(url, answer)
        return found

    def _asked(self, url: str) -> _Answer:
        """Ask it now, or again when it wants that."""
        try:
            return self._get(url)
        except http.Refused as refused:
            wait_s = min(refused.retry_after_s or 0.0, _FRESH_MOST_S)
            if refused.status not in (_TOO_MANY, _UNAVAILABLE) or not wait_s:
                raise
            if wait_s > _PATIENCE_S:
                self._kept.keep(self._url, _Answer(b"", wait_s, found=False))
                self._closed = self._left_alone(wait_s)
                raise self._closed from refused
        self._tell(Event("wait", "pool", "its site asks to wait", 0.0, wait_s))
        time.sleep(wait_s)
        return self._get(url)

    def _get(self, url: str) -> _Answer:
        time.sleep(max(0.0, self._asked_s + GAP_S - time.monotonic()))
        try:
            page = http.get(url, timeout_s=_TIMEOUT_S)
        except http.Refused as refused:
            if refused.status != _NOT_FOUND:
                raise
            return _Answer(b"", _counts_s(refused.fresh_s), found=False)
        finally:
            self._asked_s = time.monotonic()
        return _Answer(page.body, _counts_s(page.fresh_s))

    def _left_alone(self, wait_s: float) -> WireError:
        return WireError(f"{self._url} asks to be left alone for {math.ceil(wait_s)} s", "ask again then")


def _counts_s(told_s: Optional[float]) -> float:
    return min(_FRESH_S if told_s is None else told_s, _FRESH_MOST_S)


class _Kept:
    """Answers in files, by their URL: a line of JSON that tells how long they count, and the body."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder = cache.folder(host, "pool")
        self._boot = boot_id(host)
        for name in host.names(self._folder) if self._folder else ():
            if self._read(name) is None:
                cache.forget(host, self._folder, name)

    def recall(self, url: str) -> Optional[_Answer]:
        """What still counts."""
        found = self._read(_name(url))
        return found[1] if found and found[0] == url else None

    def keep(self, url: str, answer: _Answer) -> None:
        """Have it counted from now on."""
        page = {"url": url, "boot": self._boot, "until_s": since_boot_s() + answer.counts_s, "found": answer.found}
        if answer.counts_s > 0:
            cache.keep(self._host, self._folder, _name(url), json.dumps(page).encode() + b"\n" + answer.body)

    def _read(self, name: str) -> Optional[tuple[str, _Answer]]:
        content = cache.read(self._host, self._folder, name)
        if content is None:
            return None
        head, _, body = content.partition(b"\n")
        try:
            page: dict[str, Any] = json.loads(head)
            left_s = page["until_s"] - since_boot_s()
            counts = page["boot"] == self._boot and left_s > 0
            return (str(page["url"]), _Answer(body, left_s, bool(page["found"]))) if counts else None
        except (ValueError, KeyError, TypeError):
            return None


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]

"""The pool in small: monitors that score servers by its rules over simulated weeks, and the site that tells of it.

What it says, and how, is as the projects ntppool/data-api and abh/ntppool have it: redirects, JSON, CSV, 404, Cache-Control.
"""

from __future__ import annotations

import contextlib
import csv
import heapq
import io
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import parse_qs, urlsplit

from ntpjoin.checks.scoring import Outcome, step
from ntpjoin.records import dataclass
from tests.web_server import Request, WebServer, page

if TYPE_CHECKING:
    import trustme

#: What a monitor sees of a server at a time, in seconds since 1970.
Life = Callable[[float, int], Outcome]

SCORER = 24
#: Of the row that a server gets when it is registered; no monitor has this number.
REGISTRATION = 0
ACTIVE = tuple(range(101, 108))
TESTING = tuple(range(121, 126))
PLACES = (
    "defra1",
    "usdal2",
    "sgsin1",
    "ausyd3",
    "nlams1",
    "jptyo2",
    "brsao1",
    "plwaw1",
    "uslax4",
    "inbom1",
    "zajnb2",
    "cator1",
)
EVERY_S = {"active": 540.0, "testing": 2700.0, "candidate": 2700.0}
#: The site tells of no more than that.
TOLD_S = 4 * 86400


@dataclass(frozen=True)
class Row:
    """A line of its table log_scores."""

    at_s: float
    monitor: int
    step: float
    score: float
    outcome: Optional[Outcome] = None


def words(outcome: Outcome) -> str:
    return outcome.error or ("network: i/o timeout" if outcome.no_response else "")


@dataclass(frozen=True)
class Server:
    """One server that is registered, and all that was seen of it."""

    address: str
    statuses: dict[int, str]
    rows: list[Row] = field(default_factory=list)

    def live(self, life: Life, begin_s: float, end_s: float) -> Server:
        """Have it registered, and let its monitors check it, each in its turn."""
        self.rows.append(registered(begin_s))
        chance = random.Random(self.address)
        due = [(begin_s + chance.uniform(0, EVERY_S[status]), one) for one, status in self.statuses.items()]
        heapq.heapify(due)
        last: dict[int, Row] = {}
        while due and due[0][0] <= end_s:
            at_s, one = due[0]
            heapq.heapreplace(due, (at_s + EVERY_S[self.statuses[one]] * chance.uniform(0.97, 1.03), one))
            outcome = life(at_s, one)
            if outcome is NOBODY:
                continue
            taken = step(outcome)
            last[one] = Row(at_s, one, taken.points, taken.after(last[one].score if one in last else 0.0), outcome)
            self.rows.append(last[one])
            middle = self._median(last, at_s)
            if middle:
                self.rows.append(Row(at_s, SCORER, middle.step, middle.score))
        return self

    def _median(self, last: dict[int, Row], at_s: float) -> Optional[Row]:
        for statuses, within_s in (
            (("active",), 1200),
            (("active", "testing"), 2700),
            (("candidate", "testing"), 7200),
        ):
            recent = sorted(
                (row.score, one)
                for one, row in last.items()
                if row.at_s >= at_s - within_s and self.statuses[one] in statuses
            )
            if recent:
                return last[recent[(len(recent) - 1) // 2][1]]
        return None


def registered(at_s: float) -> Row:
    """The row that tells when."""
    return Row(at_s, REGISTRATION, 1.0, 0.0, Outcome(offset_s=0.0))


#: Whoever does not check then.
NOBODY = Outcome(error="nobody")


def server(address: str, life: Life, begin_s: float, end_s: float, statuses: Optional[dict[int, str]] = None) -> Server:
    usual = {**dict.fromkeys(ACTIVE, "active"), **dict.fromkeys(TESTING, "testing")}
    return Server(address, usual if statuses is None else statuses).live(life, begin_s, end_s)


def name_of(monitor: int) -> str:
    if monitor == REGISTRATION:
        return ""
    if monitor == SCORER:
        return "recentmedian.scores.ntp.dev"
    index = [*ACTIVE, *TESTING].index(monitor)
    return f"{PLACES[index]}-{monitor:x}7q2"


class Site:
    """Answers as www.ntppool.org does, or `instead`, where a path has that in it. `url` is its own, for redirects."""

    def __init__(self, *servers: Server, now_s: float) -> None:
        self.servers = {one.address: one for one in servers}
        self.now_s = now_s
        self.url = ""
        self.instead: dict[str, list[bytes]] = {}

    def __call__(self, request: Request) -> Iterable[bytes]:
        for part, said in self.instead.items():
            if part in request.path:
                return said
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        folder, _, mode = parts.path.rpartition("/")
        if folder.startswith("/scores/"):
            place = f"{self.url}/api/data/server{request.path}"
            return [page(b"", "301 Moved Permanently", location=place, cache_control="s-maxage=600,max-age=300")]
        found = self.servers.get(folder.rpartition("/")[2])
        if not folder.startswith("/api/data/server/scores/") or found is None:
            body = b'{"message":"server not found"}\n'
            return [page(body, "404 Not Found", cache_control="public,max-age=240", content_type="application/json")]
        return [self._answer(found, mode, query)]

    def _answer(self, found: Server, mode: str, query: dict[str, str]) -> bytes:
        rows = [row for row in found.rows if row.at_s > self.now_s - TOLD_S]
        if query.get("monitor") != "*":
            rows = [row for row in rows if row.monitor == SCORER]
        rows = sorted(rows, key=lambda row: -row.at_s)[: min(10000, int(query.get("limit", "100")))]
        cache = "s-maxage=240,max-age=120" if rows else "s-maxage=360,max-age=240"
        if mode == "json":
            return page(json.dumps(told(found, rows)).encode(), cache_control=cache, content_type="application/json")
        return page(log(rows).encode(), cache_control=cache, content_type="text/plain")


def told(found: Server, rows: Iterable[Row]) -> dict[str, Any]:
    rows = list(rows)
    last = {row.monitor: row for row in found.rows}
    monitors = [
        {
            "id": one,
            "name": name_of(one),
            "type": "score" if one == SCORER else "monitor",
            "ts": datetime.fromtimestamp(last[one].at_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "score": round(last[one].score, 1),
            "status": found.statuses.get(one, "active"),
        }
        for one in sorted({row.monitor for row in rows} - {REGISTRATION})
    ]
    return {"history": [_told(row) for row in rows], "monitors": monitors or None, "server": {"ip": found.address}}


def _told(row: Row) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "ts": int(row.at_s),
        "step": row.step,
        "score": round(row.score, 12),
        "monitor_id": row.monitor,
    }
    if row.outcome and row.outcome.offset_s is not None:
        entry |= {"offset": row.outcome.offset_s}
    if row.outcome and row.monitor != REGISTRATION:
        entry |= {"rtt": 0.0 if row.outcome.no_response else 10.0 + row.monitor % 100}
    return entry


def log(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("ts_epoch", "ts", "offset", "step", "score", "monitor_id", "monitor_name", "rtt", "leap", "error"))
    for row in rows:
        off = "" if row.outcome is None or row.outcome.offset_s is None else f"{row.outcome.offset_s:.9f}".rstrip("0")
        at = datetime.fromtimestamp(row.at_s, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        error = words(row.outcome) if row.outcome else ""
        table.writerow(
            (
                int(row.at_s),
                at,
                off,
                f"{row.step:g}",
                f"{row.score:.9g}",
                row.monitor,
                name_of(row.monitor),
                "",
                "",
                error,
            )
        )
    return text.getvalue()


def good(ms: float = 0.4, spread_ms: float = 1.5, stratum: int = 2) -> Life:
    """Off by so much, as monitors in different places see it."""
    chance = random.Random(ms)

    def life(_at_s: float, monitor: int) -> Outcome:
        return Outcome(stratum, (ms + (monitor % 5 - 2) * spread_ms / 2 + chance.gauss(0, spread_ms / 4)) / 1000)

    return life


SILENT = Outcome(no_response=True)


def always(outcome: Outcome) -> Life:
    return lambda _at_s, _monitor: outcome


def then(*phases: tuple[float, Life]) -> Life:
    """One life until this time, then the next; the last one goes on."""

    def life(at_s: float, monitor: int) -> Outcome:
        for until_s, one in phases[:-1]:
            if at_s < until_s:
                return one(at_s, monitor)
        return phases[-1][1](at_s, monitor)

    return life


def lossy(share: float, otherwise: Optional[Life] = None) -> Life:
    """So many checks get no answer."""
    chance, well = random.Random(share), otherwise or good()
    return lambda at_s, monitor: SILENT if chance.random() < share else well(at_s, monitor)


@contextlib.contextmanager
def opened(
    certificate: trustme.LeafCert, *servers: Server, now_s: Optional[float] = None
) -> Iterator[tuple[Site, WebServer]]:
    """The site and where it listens, over TLS."""
    site = Site(*servers, now_s=time.time() if now_s is None else now_s)
    with WebServer(site, certificate) as listening:
        site.url = listening.url
        yield site, listening

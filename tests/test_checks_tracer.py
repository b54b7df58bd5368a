"""What the pool's tracer says, over a connection of this test's own: its answers, its silences, and when it is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from ntpjoin.checks import tracer
from ntpjoin.checks.tracer import MOST, Traced, trace
from tests.web_server import Request, WebServer, page

pytestmark = pytest.mark.usefixtures("trusted")

#: A `Response` of github.com/beevik/ntp, as encoding/json writes it.
TOLD = {
    "ClockOffset": -1_250_000,
    "Time": "2026-11-28T10:00:00.000000001Z",
    "RTT": 18_700_000,
    "Precision": 59,
    "Version": 4,
    "Stratum": 2,
    "ReferenceID": 84_480_265,
    "ReferenceTime": "2026-11-28T09:59:11Z",
    "RootDelay": 1_000_000,
    "RootDispersion": 2_000_000,
    "RootDistance": 11_850_000,
    "Leap": 0,
    "MinError": 0,
    "KissCode": "",
    "Poll": 1_000_000_000,
}


class Tracer:
    """A web server in the tracer's place; it says for each path what a test wants."""

    def __init__(self) -> None:
        self.says: dict[str, bytes] = {}
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Iterator[bytes]:
        self.asked.append(request.path)
        yield self.says.get(request.path, page(b"", "404 Not Found"))


@pytest.fixture
def served(certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracer]:
    told = Tracer()
    with WebServer(told, certificate) as server:
        monkeypatch.setattr(tracer, "URL", f"{server.url}/ntp/")
        yield told


def says(served: Tracer, **parts: Any) -> Traced:
    served.says["/ntp/5.0.1.2"] = page(json.dumps({**TOLD, **parts}).encode())
    return trace(["5.0.1.2"])["5.0.1.2"]


def test_its_answer_is_read_in_seconds(served: Tracer) -> None:
    assert says(served) == Traced(2, 0, -0.00125, 0.0187)
    assert says(served, Stratum=0, Leap=3, KissCode="RATE") == Traced(0, 3, -0.00125, 0.0187, "RATE")
    assert served.asked == ["/ntp/5.0.1.2"] * 2


@pytest.mark.parametrize(
    "parts",
    [
        {"Stratum": None},
        {"Stratum": "2"},
        {"Stratum": 256},
        {"Leap": -1},
        {"ClockOffset": "1"},
        {"ClockOffset": None},
        {"RTT": 1e400},
        {"RTT": 10**400},
        {"KissCode": 7},
        {"KissCode": "RATES"},
        {"KissCode": "\x1b[2J"},
    ],
)
def test_what_cannot_be_meant_is_not_believed(served: Tracer, parts: dict[str, Any]) -> None:
    assert says(served, **parts) == Traced(problem="what it says is not what it used to say")


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b"{}", b'"x"'])
def test_other_json_is_not_believed(served: Tracer, body: bytes) -> None:
    served.says["/ntp/5.0.1.2"] = page(body)
    assert trace(["5.0.1.2"])["5.0.1.2"].problem == "what it says is not what it used to say"


def test_that_it_got_no_answer_is_told_from_that_it_gives_none(served: Tracer) -> None:
    served.says["/ntp/5.0.1.2"] = page(b"{}", "504 Gateway Timeout")
    served.says["/ntp/5.0.1.4"] = page(b"", "429 Too Many Requests")
    served.says["/ntp/2a00::2"] = page(json.dumps(TOLD).encode())
    found = trace(["5.0.1.2", "5.0.1.4", "2a00::2"])
    assert found["5.0.1.2"] == Traced()
    assert found["5.0.1.4"].problem == "the server says 429 Too Many Requests"
    assert found["2a00::2"].stratum == 2, "a refusal is about one server"


def test_where_it_cannot_be_asked_it_is_not_asked_again(served: Tracer) -> None:
    served.says["/ntp/5.0.1.2"] = b"no HTTP at all\r\n\r\n"
    found = trace(["5.0.1.2", "5.0.1.4"])
    assert found["5.0.1.2"].problem == found["5.0.1.4"].problem
    assert found["5.0.1.2"].problem.startswith("what came is not what a web server says")
    assert served.asked == ["/ntp/5.0.1.2"]


def test_it_is_asked_about_some_servers_and_no_more(served: Tracer) -> None:
    addresses = [f"5.0.1.{2 * number}" for number in range(1, MOST + 3)]
    found = trace(addresses)
    assert len(served.asked) == MOST
    assert "it was not asked" in found[addresses[-1]].problem
    assert "404" in found[addresses[0]].problem


def test_it_is_the_pools_own() -> None:
    assert tracer.URL == "https://trace2.ntppool.org/ntp/"

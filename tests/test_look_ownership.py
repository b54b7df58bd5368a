"""The link that proves who runs a server: asked for from the server's own address, and nothing but such a link is taken."""

from __future__ import annotations

import pytest
import trustme

from ntpjoin.look import ownership as module
from ntpjoin.look.ownership import Ownership, ownership
from tests.ownership import LINK, WORDS
from tests.web_server import WebServer, page

pytestmark = pytest.mark.usefixtures("trusted")

FOUR, SIX, OWN = "203.0.113.7", "2001:db8:113::7", "127.0.0.7"


def asked(certificate: trustme.LeafCert, *said: bytes) -> tuple[Ownership, WebServer]:
    with WebServer(lambda _: said, certificate) as server:
        return ownership(FOUR, OWN, [f"{server.url}/p/"]), server


@pytest.mark.parametrize(
    "words", [WORDS, LINK, f"visit {LINK} now", WORDS.replace("ntppool.org", "beta.grundclock.com")]
)
def test_a_link_comes_to_who_asks_from_the_servers_address(certificate: trustme.LeafCert, words: str) -> None:
    found, server = asked(certificate, page(words.encode()))
    assert found == Ownership(next(word for word in words.split() if word.startswith("https:")))
    assert [(request.path, request.client) for request in server.requests] == [("/p/", OWN)]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "hello",
        LINK.replace("https", "http"),
        LINK.replace("manage.ntppool.org", "manage.ntppool.org.example.net"),
        LINK.replace("manage.ntppool.org", "manage-ntppool.org"),
        LINK + "\x1b[31m",
        LINK + "?next=https://example.net",
        LINK[:-10],
        "https://manage.ntppool.org/manage/server/verify/" + "x" * 200,
    ],
)
def test_nothing_else_is_taken_for_a_link(certificate: trustme.LeafCert, words: str) -> None:
    found, server = asked(certificate, page(words.encode()))
    assert found == Ownership(problem=f"{server.url}/p/: what came has no link to prove who runs the server")


def test_who_is_not_known_is_told(certificate: trustme.LeafCert) -> None:
    found, server = asked(certificate, page(b"", "404 Not Found"))
    assert found.problem == f"{server.url}/p/: the server says 404 Not Found"
    assert (
        found.remedy == f"it knows no server by the address at which it sees {OWN}: it may be another one than {FOUR}"
    )
    found, _ = asked(certificate, page(b"", "500 x"))
    assert (found.remedy, "500 Internal Server Error" in found.problem) == ("", True)


def test_what_cannot_be_asked_is_told(certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer(lambda _: [page(WORDS.encode())], certificate) as server:
        found = ownership(FOUR, "192.0.2.77", [server.url])
        assert "this host cannot ask from 192.0.2.77" in found.problem
        monkeypatch.delenv("SSL_CERT_FILE")
        found = ownership(FOUR, OWN, [server.url])
        assert "its certificate is refused" in found.problem
        assert "ca-certificates" in found.remedy
    assert not server.requests


def test_each_family_has_a_service_of_its_own(certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [page(WORDS.encode())]
    six = WebServer(lambda _: said, certificate, address="::1", host="::1")
    with six, WebServer(lambda _: said, certificate) as four:
        monkeypatch.setattr(module, "SERVICES", {4: f"{four.url}/4", 6: f"{six.url}/6"})
        assert ownership(FOUR, OWN).link == ownership(SIX, "::1").link == LINK
    assert [request.path for request in (*four.requests, *six.requests)] == ["/4", "/6"]


def test_of_several_that_one_is_asked_which_has_an_address_of_the_family(certificate: trustme.LeafCert) -> None:
    said = [page(WORDS.encode())]
    six = WebServer(lambda _: said, certificate, address="::1", host="::1")
    with six, WebServer(lambda _: said, certificate, host="127.0.0.1") as four:
        for both in ([f"{four.url}/4", f"{six.url}/6"], [f"{six.url}/6", f"{four.url}/4"]):
            assert ownership(FOUR, OWN, both).link == ownership(SIX, "::1", both).link == LINK
        assert {request.path for request in four.requests} == {"/4"}
        assert {request.path for request in six.requests} == {"/6"}
        assert ownership(SIX, "::1", [f"{four.url}/4"]).problem == f"{four.url}/4: it has no IPv6 address"

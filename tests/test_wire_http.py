from __future__ import annotations

import datetime as dt
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import format_datetime, formatdate
from typing import Optional

import pytest
import trustme

from ntpjoin import __version__
from ntpjoin.errors import WireError
from ntpjoin.wire.http import Page, Refused, get
from tests.web_server import Answers, Request, WebServer, page

pytestmark = pytest.mark.usefixtures("trusted")

#: For answers that never come.
HASTY_S = 0.3


def always(*pieces: bytes) -> Answers:
    return lambda _request: pieces


def fails(url: str, *, timeout_s: float = 5.0, most_bytes: int = 1 << 20, source: str = "") -> WireError:
    with pytest.raises(WireError) as caught:
        get(url, timeout_s=timeout_s, most_bytes=most_bytes, source=source)
    assert "\n" not in caught.value.message
    assert caught.value.message.isprintable()
    return caught.value


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_page_comes_over_tls(certificate: trustme.LeafCert, host: str) -> None:
    address = "::1" if host == "::1" else "127.0.0.1"
    with WebServer(always(page(b'{"a": 1}')), certificate, address=address, host=host) as server:
        found = get(f"{server.url}/scores/192.0.2.1/json?limit=1&monitor=*#top")
    assert found == Page(f"{server.url}/scores/192.0.2.1/json?limit=1&monitor=*#top", b'{"a": 1}')
    assert found.data() == {"a": 1}
    [asked] = server.requests
    assert asked.path == "/scores/192.0.2.1/json?limit=1&monitor=*"
    assert asked.headers["host"] == server.url.split("//")[1]
    assert asked.headers["user-agent"] == f"ntpjoin/{__version__}"
    assert asked.headers["accept-encoding"] == "identity"


def test_plain_http_is_asked_where_it_is_named() -> None:
    with WebServer(always(page(b"To verify"))) as server:
        assert get(server.url).body == b"To verify"
    assert server.requests[0].path == "/"


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((page(b"x" * 300_000),), b"x" * 300_000),
        ((page(b"half")[:-2], page(b"half")[-2:]), b"half"),
        (
            (page(content_length="", transfer_encoding="chunked"), b"2\r\nab\r\n", b"3;x=y\r\ncde\r\n0\r\n\r\n"),
            b"abcde",
        ),
        ((page(content_length="") + b"to the end",), b"to the end"),
        ((page(b"", "100 Continue"), page(b"then")), b"then"),
        ((page(b""),), b""),
    ],
)
def test_a_body_comes_whole(certificate: trustme.LeafCert, pieces: tuple[bytes, ...], body: bytes) -> None:
    with WebServer(always(*pieces), certificate) as server:
        assert get(server.url).body == body


def test_it_can_be_asked_from_an_address_of_this_host() -> None:
    with WebServer(always(page(b"x"))) as server:
        get(server.url, source="127.0.0.7")
        assert server.requests[0].client == "127.0.0.7"
        error = fails(server.url, source="192.0.2.77")
        assert error.message == f"{server.url}: this host cannot ask from 192.0.2.77: Cannot assign requested address"
        url = server.url.replace("localhost", "127.0.0.1")
        assert fails(url, source="::1").message == f"{url}: it has no IPv6 address"
    assert len(server.requests) == 1


# --- certificates ------------------------------------------------------------------------------------------------------


def _untrusted(_: trustme.CA) -> trustme.LeafCert:
    return trustme.CA().issue_cert("localhost")


def _of_another_host(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("www.example.net")


def _old(authority: trustme.CA) -> trustme.LeafCert:
    long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
    return authority.issue_cert("localhost", not_before=long_ago, not_after=long_ago + dt.timedelta(days=90))


def _young(authority: trustme.CA) -> trustme.LeafCert:
    later = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=3)
    return authority.issue_cert("localhost", not_before=later, not_after=later + dt.timedelta(days=90))


@pytest.mark.parametrize(
    ("make", "words", "remedy"),
    [
        (_untrusted, "unable to get local issuer certificate", "ca-certificates"),
        (_of_another_host, "certificate is not valid for 'localhost'", ""),
        (_old, "certificate has expired", "timedatectl"),
        (_young, "certificate is not yet valid", "timedatectl"),
    ],
)
def test_a_wrong_certificate_is_refused_and_nothing_is_asked(
    authority: trustme.CA,
    make: Callable[[trustme.CA], trustme.LeafCert],
    words: str,
    remedy: str,
) -> None:
    with WebServer(always(page(b"x")), make(authority)) as server:
        error = fails(server.url)
    assert "its certificate is refused: " in error.message
    assert words in error.message
    assert remedy in error.remedy
    assert not server.requests


def test_an_authority_counts_only_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch, certificate: trustme.LeafCert
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with WebServer(always(page(b"x")), certificate) as server:
        assert "its certificate is refused" in fails(server.url).message
    assert not server.requests


def test_a_server_without_tls_is_told() -> None:
    class Blunt(WebServer):
        def _answer(self, line: socket.socket, _client: str) -> None:
            with line:
                line.recv(4096)
                line.sendall(page(b"You speak TLS to a server that does not."))

    with Blunt(always()) as server:
        url = server.url.replace("http:", "https:")
        assert fails(url).message == f"{url}: it does not speak TLS as it should"


# --- where it has moved ------------------------------------------------------------------------------------------------


def moved(status: str, location: str) -> bytes:
    return page(b"", status, location=location)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 x", "308 x"])
def test_who_is_led_on_goes_there(certificate: trustme.LeafCert, status: str) -> None:
    def answers(request: Request) -> Iterable[bytes]:
        yield page(b"here") if request.path == "/api/data?limit=1" else moved(status, "/api/data?limit=1")

    with WebServer(answers, certificate) as server:
        found = get(f"{server.url}/scores")
    assert (found.url, found.body) == (f"{server.url}/api/data?limit=1", b"here")


def test_from_plain_http_one_may_be_led_to_https(certificate: trustme.LeafCert) -> None:
    with WebServer(always(page(b"safe")), certificate) as safe, WebServer(always(moved("301 x", safe.url))) as plain:
        assert get(plain.url).body == b"safe"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://localhost/", "it leads on to http://localhost/, which is not https"),
        ("ftp://localhost/", "which is not https"),
        ("", "it leads on, but not to a URL"),
        ("/a b", "it leads on, but not to a URL"),
        ("/\x1b[31m", "it leads on, but not to a URL"),
        ("//[::1/", "it leads on, but not to a URL"),
        ("https://me:secret@localhost/", "it is no URL of a page"),
        ("https://localhost:99999/", "it is no URL"),
        ("https://:443/", "it is no URL of a page"),
        ("/" + "x" * 3000, "it leads on, but not to a URL"),
    ],
)
def test_nobody_is_led_astray(certificate: trustme.LeafCert, location: str, words: str) -> None:
    with WebServer(always(moved("301 Moved", location)), certificate) as server:
        assert words in fails(server.url).message
    assert len(server.requests) == 1


def test_nobody_is_led_in_circles(certificate: trustme.LeafCert) -> None:
    with WebServer(always(moved("302 Found", "/again")), certificate) as server:
        assert fails(server.url).message == f"{server.url}/again: it is led on more than 5 times"
    assert len(server.requests) == 6


# --- answers that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("404 Not Found", "the server says 404 Not Found"),
        ("429 Too Many Requests", "the server says 429 Too Many Requests"),
        ("500 \x1b[31mHelp", "the server says 500 Internal Server Error"),
        ("599 Whatever", "the server says 599"),
        ("204 No Content", "the server says 204 No Content"),
    ],
)
def test_another_answer_is_told_by_its_code(certificate: trustme.LeafCert, status: str, words: str) -> None:
    with WebServer(always(page(b"a long story" * 1000, status)), certificate) as server:
        error = fails(server.url, most_bytes=9000)
    assert isinstance(error, Refused)
    assert (error.message, error.status) == (f"{server.url}: {words}", int(status[:3]))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((page(b"x" * 20_000),), "more than 9000 bytes came"),
        ((page(content_length="1" + "0" * 15) + b"x" * 20_000,), "more than 9000 bytes came"),
        ((page(content_length="", transfer_encoding="chunked"), b"fffffffff\r\n", b"x" * 20_000), "more than 9000 bytes came"),
        ((b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000,), "what came is not what a web server says, or only a part of it"),
        ((b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000,), "more than 9000 bytes came"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,), "more than 9000 bytes came"),
        ((page(b"short", content_length="6"),), "the connection broke off"),
        ((page(content_length="", transfer_encoding="chunked"), b"5\r\nabc"), "only a part of it"),
        ((page(content_length="", transfer_encoding="chunked"), b"wrong\r\nabc"), "only a part of it"),
        ((b"SSH-2.0-OpenSSH_9.2p1\r\n",), "what came is not what a web server says, or only a part of it"),
        ((b"HTTP/1.1 two hundred\r\n\r\n",), "what came is not what a web server says, or only a part of it"),
        ((), "what came is not what a web server says, or only a part of it"),
        ((b"",), "no answer within 0.3 s"),
        ((b"HTTP/1.1 200 OK\r\n", b""), "no answer within 0.3 s"),
        ((page(b"half", content_length="8"), b""), "only a part of it came within 0.3 s"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line(
    certificate: trustme.LeafCert,
    pieces: tuple[bytes, ...],
    words: str,
) -> None:
    timeout_s = HASTY_S if " within " in words else 5.0
    with WebServer(always(*pieces), certificate) as server:
        error = fails(server.url, timeout_s=timeout_s, most_bytes=9000)
    assert error.message.startswith(f"{server.url}: ")
    assert error.message.endswith(words)


def test_who_drips_is_not_waited_for_longer_than_was_said(certificate: trustme.LeafCert) -> None:
    def answers(_: Request) -> Iterator[bytes]:
        yield page(content_length="1000")
        for _piece in range(1000):
            time.sleep(0.02)
            yield b"x"

    with WebServer(answers, certificate) as server:
        assert fails(server.url, timeout_s=HASTY_S).message.endswith("only a part of it came within 0.3 s")


def test_a_connection_that_is_cut_is_no_end(certificate: trustme.LeafCert) -> None:
    """Without a length the end of the connection ends the page; TLS tells whether it was the server who ended it."""

    class Cutting(WebServer):
        def _answer(self, line: socket.socket, _client: str) -> None:
            assert self._context
            with self._context.wrap_socket(line, server_side=True) as door:
                door.recv(4096)
                door.sendall(page(content_length="") + b"a part")

    with Cutting(always(), certificate) as server:
        assert fails(server.url).message == f"{server.url}: the connection broke off"


def test_a_server_that_takes_connections_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"https://127.0.0.1:{door.getsockname()[1]}"
        assert fails(url, timeout_s=HASTY_S).message == f"{url}: no secure connection within 0.3 s"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    error = fails(f"http://127.0.0.1:{port}/")
    assert error.message == f"http://127.0.0.1:{port}/: 127.0.0.1: refused: nothing listens on TCP {port}"


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer(always(page(b"x"))) as server:
        places = [(socket.AF_INET, 1, 6, "", (address, server.port)) for address in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: places)
        assert get(f"http://www.example.net:{server.port}/").body == b"x"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (socket.EAI_NONAME, "no such name"),
        (socket.EAI_AGAIN, "no DNS server answered"),
        (socket.EAI_FAIL, "its address cannot be found: [Errno -4] words"),
        (None, "DNS has not told where it is within 0.3 s"),
    ],
)
def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, number: Optional[int], words: str) -> None:
    def look(*_: object) -> object:
        if number is None:
            time.sleep(2 * HASTY_S)
        raise socket.gaierror(number or 0, "words")

    monkeypatch.setattr(socket, "getaddrinfo", look)
    error = fails("https://www.example.net/scores", timeout_s=HASTY_S)
    assert error.message == f"https://www.example.net/scores: {words}"


@pytest.mark.parametrize(
    "url", ["", "www.example.net", "ftp://localhost/", "https:///x", "https://[::1/", "http://localhost:x/", "http://a\nb/", "http://é/"]
)  # fmt: skip
def test_what_is_no_url_is_not_asked(url: str) -> None:
    assert "it is no URL" in fails(url).message


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a": 1', b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_told(body: bytes) -> None:
    with pytest.raises(WireError, match=r"^https://www.example.net/: what came is not JSON$"):
        Page("https://www.example.net/", body).data()


# --- when to ask again -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ({}, None),
        ({"cache_control": "public, max-age=120"}, 120),
        ({"cache_control": 'Max-Age="35", s-maxage=600'}, 35),
        ({"cache_control": "max-age=120", "age": "50"}, 70),
        ({"cache_control": "max-age=120", "age": "500"}, 0),
        ({"cache_control": "max-age=120", "age": "old"}, 120),
        ({"cache_control": "no-cache, max-age=120"}, 0),
        ({"cache_control": "no-store"}, 0),
        ({"cache_control": "max-age=-5"}, None),
        ({"cache_control": "max-age=" + "9" * 99}, None),
        ({"cache_control": "private"}, None),
    ],
)
def test_how_long_a_page_is_fresh(headers: dict[str, str], fresh_s: Optional[float]) -> None:
    with WebServer(always(page(b"x", **headers))) as server:
        assert get(server.url).fresh_s == fresh_s
    with WebServer(always(page(b"x", "404 Not Found", **headers))) as server:
        error = fails(server.url)
    assert isinstance(error, Refused)
    assert error.fresh_s == fresh_s


@pytest.mark.parametrize(
    ("told", "least_s", "most_s"),
    [
        ("120", 120, 120),
        ("in an hour", 3500, 3600),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0, 0),
    ],
)  # fmt: skip
def test_when_it_wants_to_be_asked_again(told: str, least_s: float, most_s: float) -> None:
    hour = format_datetime(dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=1), usegmt=True)
    said = page(b"", "429 Too Many Requests", retry_after=hour if told == "in an hour" else told)
    with WebServer(always(said)) as server:
        error = fails(server.url)
    assert isinstance(error, Refused)
    assert error.retry_after_s is not None
    assert least_s <= error.retry_after_s <= most_s


@pytest.mark.parametrize("ahead_s", [-7200, 7200])
def test_a_date_counts_by_the_clock_of_who_says_it(ahead_s: int) -> None:
    """This host's may be hours off: it is about to become a time server, or has just been started."""
    now_s = time.time() + ahead_s
    date, until = (formatdate(at_s, usegmt=True) for at_s in (now_s, now_s + 30))
    with WebServer(always(page(b"", "429 Too Many Requests", date=date, retry_after=until))) as server:
        error = fails(server.url)
    assert isinstance(error, Refused)
    assert error.retry_after_s == 30


@pytest.mark.parametrize("told", ["", "soon", "-1", "1.5", "9" * 30, "Mon, 99 Foo 2001 00:00:00 GMT"])
def test_nonsense_is_no_time(told: str) -> None:
    with WebServer(always(page(b"", "503 Service Unavailable", retry_after=told))) as server:
        error = fails(server.url)
    assert isinstance(error, Refused)
    assert error.retry_after_s is None

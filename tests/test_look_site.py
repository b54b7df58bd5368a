"""The pool's site is asked with manners: over TLS, one question at a time, 1 s apart, none twice while its answer counts."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ntpjoin.errors import WireError
from ntpjoin.host.machine import Host
from ntpjoin.look import site as site_module
from ntpjoin.look.boot import since_boot_s
from ntpjoin.look.site import Site
from ntpjoin.model import Event
from tests import pool_site
from tests.pool_site import good, opened, server
from tests.web_server import WebServer, page

NOW = 1_796_000_000.0
FOUR, SIX = "203.0.113.7", "2001:db8:113::7"

pytestmark = pytest.mark.usefixtures("trusted")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Somebody without root, with a home."""
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("one\n")
    return Host(root=tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "GAP_S", 0.0)


@pytest.fixture
def both(certificate: trustme.LeafCert) -> Iterator[tuple[pool_site.Site, WebServer]]:
    servers = [server(address, good(), NOW - 7200, NOW) for address in (FOUR, SIX)]
    with opened(certificate, *servers, now_s=NOW) as found:
        yield found


Both = tuple[pool_site.Site, WebServer]


@pytest.mark.usefixtures("hurried")
def test_a_record_comes_by_a_redirect(host: Host, both: Both) -> None:
    _, listening = both
    for address in (FOUR, SIX):
        record = Site(host, listening.url).record(address, 500)
        assert record is not None
        assert record.address == address
        assert len(record.checks) == len(record.scores) > 100
    paths = [request.path for request in listening.requests]
    assert paths == [
        f"{above}/scores/{address}/json?limit=500&monitor=*"
        for address in (FOUR, SIX)
        for above in ("", "/api/data/server")
    ]


@pytest.mark.usefixtures("hurried")
def test_the_log_has_the_same_rows(host: Host, both: Both) -> None:
    _, listening = both
    asking = Site(host, listening.url)
    record = asking.record(FOUR, 100)
    remarks = asking.remarks(FOUR, 100)
    assert record is not None
    rows = sorted([*record.checks, *record.scores], key=lambda row: (row.at_s, row.monitor))
    assert [(row.at_s, row.monitor) for row in rows] == sorted((row.at_s, row.monitor) for row in remarks)
    assert len(remarks) == 100


@pytest.mark.usefixtures("hurried")
def test_who_is_not_registered_is_none_and_is_not_asked_for_again(host: Host, both: Both) -> None:
    _, listening = both
    for _ in range(2):
        asking = Site(host, listening.url)
        assert asking.record("192.0.2.1", 500) is None
        assert asking.remarks("192.0.2.1", 500) == ()
    assert len(listening.requests) == 4


def test_questions_are_a_second_apart(host: Host, certificate: trustme.LeafCert) -> None:
    site = pool_site.Site(now_s=NOW)
    with WebServer(site, certificate) as listening:
        site.url = listening.url
        site.instead["/json"] = [page(b"", "404 Not Found", cache_control="no-store")]
        asking = Site(host, listening.url)
        for _ in range(3):
            assert asking.record(FOUR, 500) is None
    gaps = [after - before for before, after in zip(listening.asked_at_s, listening.asked_at_s[1:])]
    assert len(gaps) == 2
    assert min(gaps) >= 1.0


# --- what is kept


@pytest.mark.usefixtures("hurried")
def test_an_answer_counts_for_as_long_as_the_site_says(host: Host, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    _, listening = both
    began_s = since_boot_s()
    first = Site(host, listening.url).record(FOUR, 500)
    monkeypatch.setattr(site_module, "since_boot_s", lambda: began_s + 119)
    assert Site(host, listening.url).record(FOUR, 500) == first
    assert len(listening.requests) == 2, "max-age=120"
    Site(host, listening.url).record(FOUR, 501)
    assert len(listening.requests) == 4, "another question"
    monkeypatch.setattr(site_module, "since_boot_s", lambda: began_s + 241)
    Site(host, listening.url).record(FOUR, 500)
    assert len(listening.requests) == 6


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("told", "counts_s"), [("max-age=35", 35), ("", 120), ("max-age=31536000", 3600), ("no-store", 0), ("max-age=0", 0)]
)
def test_but_not_for_ever(host: Host, both: Both, monkeypatch: pytest.MonkeyPatch, told: str, counts_s: int) -> None:
    site, listening = both
    body = json.dumps(pool_site.told(site.servers[FOUR], site.servers[FOUR].rows)).encode()
    site.instead["/json"] = [page(body, cache_control=told)]
    began_s = since_boot_s()
    asked = []
    for later_s in (0, counts_s - 1, counts_s + 60):
        monkeypatch.setattr(site_module, "since_boot_s", lambda: began_s + later_s)  # noqa: B023
        assert Site(host, listening.url).record(FOUR, 500) is not None
        asked.append(len(listening.requests))
    assert asked == ([1, 1, 2] if counts_s else [1, 2, 3])


@pytest.mark.usefixtures("hurried")
def test_after_a_boot_nothing_is_known(host: Host, both: Both) -> None:
    _, listening = both
    Site(host, listening.url).record(FOUR, 500)
    host.path("/proc/sys/kernel/random/boot_id").write_text("two\n")
    Site(host, listening.url).record(FOUR, 500)
    assert len(listening.requests) == 4


@pytest.mark.usefixtures("hurried")
def test_what_no_longer_counts_does_not_lie_there_for_ever(
    host: Host, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, listening = both
    folder = host.path("/home/me/.cache/ntpjoin/pool")
    began_s = since_boot_s()
    Site(host, listening.url).record(FOUR, 500)
    (folder / "nonsense").write_text("{")
    monkeypatch.setattr(site_module, "since_boot_s", lambda: began_s + 200)
    Site(host, listening.url).record(SIX, 500)
    assert len(list(folder.iterdir())) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.usefixtures("hurried")
def test_nobody_else_can_put_an_answer_there(host: Host, both: Both) -> None:
    _, listening = both
    Site(host, listening.url).record(FOUR, 500)
    host.path("/home/me/.cache/ntpjoin/pool").chmod(0o777)
    Site(host, listening.url).record(FOUR, 500)
    assert len(listening.requests) == 4


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("home", ["", "not-absolute"])
def test_who_has_no_home_keeps_nothing(host: Host, both: Both, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    _, listening = both
    monkeypatch.setenv("HOME", home)
    before = sorted(os.walk(host.root))
    for _ in range(2):
        assert Site(host, listening.url).record(FOUR, 500) is not None
    assert len(listening.requests) == 4
    assert sorted(os.walk(host.root)) == before


# --- when it does not want to be asked


@pytest.mark.usefixtures("hurried")
def test_it_is_waited_for_where_it_asks_for_that(host: Host, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    site, listening = both
    slept: list[float] = []
    heard: list[Event] = []

    def sleep(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
            site.instead.clear()

    monkeypatch.setattr("time.sleep", sleep)
    site.instead["/json"] = [page(b"", "429 Too Many Requests", retry_after="7")]
    record = Site(host, listening.url, heard.append).record(FOUR, 500)
    assert record is not None
    assert slept == [7.0]
    assert heard == [Event("wait", "pool", "its site asks to wait", 0.0, 7.0)]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("told", ["900", "999999999", "Thu, 01 Jan 2099 00:00:00 GMT"])
@pytest.mark.parametrize("home", ["/home/me", ""])
def test_it_is_left_alone_where_it_asks_for_longer_but_not_for_ever(
    host: Host, both: Both, monkeypatch: pytest.MonkeyPatch, home: str, told: str
) -> None:
    site, listening = both
    monkeypatch.setenv("HOME", home)
    site.instead["/json"] = [page(b"", "503 Service Unavailable", retry_after=told)]
    asking, kept_s = Site(host, listening.url), 900 if told == "900" else 3600
    for address in (FOUR, SIX):
        with pytest.raises(WireError) as caught:
            asking.record(address, 500)
        assert caught.value.message == f"{listening.url} asks to be left alone for {kept_s} s"
    assert len(listening.requests) == 1
    if home:
        with pytest.raises(WireError) as caught:
            Site(host, listening.url).record(FOUR, 500)
        assert caught.value.message == f"{listening.url} asks to be left alone for {kept_s} s"
        assert len(listening.requests) == 1, "in the next run, too"


@pytest.mark.usefixtures("hurried")
def test_after_three_failures_the_rest_is_not_asked(host: Host, both: Both) -> None:
    site, listening = both
    site.instead["/json"] = [page(b"<html>")]
    asking = Site(host, listening.url)
    words = []
    for _ in range(5):
        with pytest.raises(WireError) as caught:
            asking.record(FOUR, 500)
        words.append(caught.value.message)
    assert words[:3] == [f"{listening.url}/scores/{FOUR}/json?limit=500&monitor=*: what came is not JSON"] * 3
    assert words[3:] == ["not asked, for 3 questions in a row have failed"] * 2
    assert len(listening.requests) == 3


@pytest.mark.usefixtures("hurried")
def test_one_that_answers_in_between_is_heard(host: Host, both: Both) -> None:
    site, listening = both
    site.instead[FOUR] = [page(b"", "500 Internal Server Error")]
    asking = Site(host, listening.url)
    for rows in range(4):
        with pytest.raises(WireError, match="500 Internal Server Error"):
            asking.record(FOUR, 500)
        assert asking.record(SIX, 500 + rows) is not None

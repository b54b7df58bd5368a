"""`score`, typed as an operator types it, against a site that speaks TLS and tells what the pool's rules made of simulated weeks."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import stat
import struct
import termios
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import trustme

from ntpjoin.checks.scoring import Outcome
from ntpjoin.commands import score
from ntpjoin.errors import Blocked, StepFailed
from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.host.machine import FileState, Host
from ntpjoin.look import site as site_module
from ntpjoin.model import Resolved, Wish
from tests import pool_site
from tests.pool_site import NOBODY, SILENT, always, good, server, then
from tests.read_back import metrics_page, plugin_line, value
from tests.typed import Typed
from tests.web_server import Request, WebServer, page

H, DAY = 3600.0, 86400.0
WELL, SIX, NEW, DEAD, LIMITED, STALE, UNCHECKED, STRANGER = (
    "203.0.113.7", "2001:db8:113::7", "203.0.113.8", "203.0.113.9", "203.0.113.10", "203.0.113.11", "203.0.113.12", "192.0.2.1",
)  # fmt: skip
FRESH = "203.0.113.13"


class Pool:
    """The site, where it listens, and the program that is told to ask it."""

    def __init__(self, typed: Typed, site: pool_site.Site, listening: WebServer) -> None:
        self.typed = typed
        self.site = site
        self.listening = listening

    def __call__(self, line: str) -> int:
        return self.typed(f"score --site {self.listening.url} {line}")

    @property
    def again(self) -> str:
        """What is to be typed to ask the same site."""
        return f"ntpjoin score --site {self.listening.url}"

    def json(self, line: str) -> tuple[int, dict[str, Any]]:
        code, found = self.typed.json(f"score --site {self.listening.url} {line}")
        return code, found

    @property
    def lines(self) -> list[str]:
        return self.typed.out.splitlines()

    @property
    def err(self) -> str:
        return self.typed.err


#: It is half a minute later, however long these tests take.
NOW = time.time()


@pytest.fixture(scope="module")
def servers() -> list[pool_site.Server]:
    now = NOW
    return [
        server(WELL, good(), now - 14 * DAY, now),
        server(SIX, good(3, 4), now - 2 * DAY, now),
        server(NEW, good(), now - 1.1 * H, now),
        server(DEAD, then((now - 2 * H, good()), (now, always(SILENT))), now - 14 * DAY, now),
        server(LIMITED, then((now - 2 * H, good()), (now, always(Outcome(error="RATE")))), now - 2 * DAY, now),
        server(STALE, then((now - 5 * H, good()), (now, always(NOBODY))), now - DAY, now),
        pool_site.Server(UNCHECKED, {}),
        pool_site.Server(FRESH, {}, [pool_site.registered(now - 150)]),
    ]


@pytest.fixture
def pool(
    typed: Typed,
    servers: list[pool_site.Server],
    certificate: trustme.LeafCert,
    trusted: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pool]:
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(trusted.parent / "cache"))
    monkeypatch.setattr(site_module, "GAP_S", 0.0)
    monkeypatch.setattr("time.time", lambda: NOW + 30)
    with pool_site.opened(certificate, *servers, now_s=NOW) as (site, listening):
        yield Pool(typed, site, listening)


# --- the right words and numbers


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        (WELL, 0, r"ok 203.0.113.7   20.0  in the pool; steady; checked \d+ (s|min) ago by 7 monitors"),
        (SIX, 0, r"ok 2001:db8:113::7   20.0  in the pool; steady; checked \d+ (s|min) ago by 7 monitors"),
        (NEW, 5, (r"!  203.0.113.8    [56].\d  not in the pool, which takes 10; rising, \+[45].\d in 6\d min; "
                 r"at this course it comes to 10 in about [56]\d min; checked \d+ (s|min) ago by 7 monitors")),
        (DEAD, 1, (r"!! 203.0.113.9  -[34]\d.\d  not in the pool, which takes 10; falling, -\d\d.\d in 6\d min; "
                  r"at this course it never comes to 10, but near -100; checked \d+ (s|min) ago by 7 monitors")),
        (STALE, 0, r"!  203.0.113.11   20.0  in the pool; steady; checked 5 h ago, not since"),
        (UNCHECKED, 3, (r"\?  203.0.113.12         not checked in the last four days: "
                       r"it is new, was deleted, or is no longer monitored")),
        (FRESH, 3, r"\?  203.0.113.13         registered 3 min ago, and not checked since"),
        (STRANGER, 1, r"!! 192.0.2.1         not registered: it is an address for documentation \(RFC 5737\)"),
    ],
)  # fmt: skip
def test_how_a_server_stands(pool: Pool, address: str, code: int, words: str) -> None:
    assert pool(address) == code
    first, *more = pool.lines
    plain = re.sub("^[✓!✗?]", lambda mark: {"✓": "ok", "!": "! ", "✗": "!!", "?": "? "}[mark[0]], first)
    assert re.fullmatch(words, plain), first
    page = f"{pool.listening.url}/scores/{address}"
    remedies = {
        DEAD: f"{pool.again} --why {address}",
        STALE: f"see whether it was deleted: {page}",
        UNCHECKED: f"see which: {page}",
        FRESH: f"its monitors begin within minutes; if they do not, see whether it was deleted: {page}",
    }
    assert [line.strip() for line in more] == [remedies[one] for one in remedies if one == address]
    assert pool.err == f"  … pool       asking for {address} …\n"


def test_several_stand_below_each_other_each_once(pool: Pool) -> None:
    assert pool(f"{WELL} {SIX} {WELL} {SIX.upper()}") == 0
    assert [line.split()[1] for line in pool.lines] == [WELL, SIX]
    assert len({line.index("in the pool") for line in pool.lines}) == 1
    assert len(pool.listening.requests) == 4, "each by a redirect"


def test_every_monitor_is_shown(pool: Pool) -> None:
    assert pool(f"--monitors {DEAD}") == 1
    _, _, head, *rows = pool.lines
    assert head.split() == ["monitor", "status", "score", "checked", "offset", "delay", "lost"]
    assert [row.split()[1] for row in rows] == ["active"] * 7 + ["testing"] * 5
    scores = [float(row.split()[2]) for row in rows[:7]]
    assert scores == sorted(scores)
    lost = [row.split()[-1].split("/") for row in rows]
    assert all(0 < int(part) < int(whole) for part, whole in lost)
    assert {tuple(row.split("ago")[1].split()[:2]) for row in rows} == {("-", "-")}, "no offset, and no delay"


def test_it_is_explained_why(pool: Pool) -> None:
    assert pool(f"--why {LIMITED} {DEAD} {WELL}") == 1
    text = pool.typed.out
    limited, dead, well = text.split("\n\n")
    assert re.search(
        r"points lost at \d+ of 250 checks in \d h\n +\d+  it asks them to ask less often \(RATE\), by all monitors\n",
        limited,
    )
    assert "the daemon's limiter took a monitor, 3 packets 2 s apart, for too many" in limited
    assert re.search(r"newest \d+ (s|min) ago: network: i/o timeout\n", dead)
    assert f"{pool.again} --why" not in text
    assert well.strip().endswith("points lost at 0 of 250 checks in 5 h")


def test_a_picture_in_characters_has_all_that_the_pool_tells(pool: Pool) -> None:
    assert pool(f"--plot {WELL}") == 0
    assert "limit=10000" in pool.listening.requests[0].path
    assert sum("└" in line for line in pool.lines) == 2
    assert max(map(len, pool.lines)) == 79


def test_a_name_stands_for_all_its_addresses(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(names: Iterable[str]) -> Iterable[Resolved]:
        for name in names:
            addresses = {"time.example.net": (WELL, SIX)}.get(name, ())
            yield Resolved(name, (), addresses, 300, "" if addresses else "no such name")

    monkeypatch.setattr(score, "resolve", resolve)
    assert pool("time.example.net nobody.example.net") == 3
    assert [line.split()[1:4] for line in pool.lines] == [
        [WELL, "20.0", "time.example.net:"],
        [SIX, "20.0", "time.example.net:"],
        ["nobody.example.net", "no", "such"],
    ]
    code, found = pool.json("time.example.net")
    assert code == 0
    assert [(one["address"], one["name"]) for one in found["scores"]] == [
        (WELL, "time.example.net"),
        (SIX, "time.example.net"),
    ]


@pytest.mark.parametrize(("known", "missing"), [((WELL,), "IPv6"), ((SIX,), "IPv4")])
def test_a_family_that_dns_did_not_tell_of_is_not_passed_over(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, known: tuple[str, ...], missing: str
) -> None:
    half = Resolved("time.example.net", (), known, 300, whole=False)
    monkeypatch.setattr(score, "resolve", lambda _names: (half,))
    words = f"DNS did not tell whether it has addresses of {missing}, too"
    assert pool("time.example.net") == 3
    first, second, remedy = pool.lines
    assert "in the pool; steady" in first
    assert second == f"? time.example.net         {words}"
    assert remedy.strip() == f"ask again, or for the addresses themselves: {pool.again} ADDRESS..."
    assert pool.err == f"  … pool       asking for {known[0]} …\n"
    code, found = pool.json("time.example.net")
    assert (code, [one["address"] for one in found["scores"]]) == (3, [*known, "time.example.net"])
    assert (found["scores"][1]["state"], found["scores"][1]["registered"]) == ("unknown", None)
    assert pool("--format nagios --quiet time.example.net") == 3
    assert f"time.example.net: {words}" in plugin_line(pool.typed.out)[1]


@pytest.mark.parametrize("columns", [60, 120])
def test_it_fits_the_terminal(pool: Pool, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """On a real one, of the kernel's: coloured, folded, both pictures to its edge."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.extend(iter(lambda: _read(ours), b"")))
    reader.start()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is open already
        monkeypatch.setattr("sys.stdout", stream)
        code = pool(f"--plot --monitors --why {DEAD}")
    reader.join()
    os.close(ours)
    assert code == 1
    text = b"".join(said).decode()
    assert text.startswith("\x1b[31m✗\x1b[0m 203.0.113.9")
    lines = re.sub(r"\x1b\[[0-9]*m", "", text).split("\r\n")
    assert max(map(len, lines)) < columns
    axes = [line for line in lines if "└" in line]
    assert [len(line) for line in axes] == [columns - 1] * 2
    lost = next(line for line in lines if line.startswith("  lost │"))
    assert lost.endswith("x")
    head = next(line.split() for line in lines if "monitor" in line and "status" in line)
    assert ("delay" in head) is (columns == 120)


def _read(number: int) -> bytes:
    """What comes next from a terminal; nothing where nobody has it open any more."""
    try:
        return os.read(number, 65536)
    except OSError:
        return b""


# --- this host's own


def owns(
    monkeypatch: pytest.MonkeyPatch, *addresses: str, declared: tuple[str, ...] = (), unseen: bool = False
) -> None:
    runs = (RunFact(1, "done", Wish(public_addresses=declared), ()),) if declared else ()
    monkeypatch.setattr(score, "look_addresses", lambda _: addresses)
    monkeypatch.setattr(score, "look_journal", lambda _: JournalFacts(runs, unseen=unseen))


def test_who_names_nobody_means_this_host(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    owns(monkeypatch, "8.8.8.8", "10.0.0.7", "fd00::7")
    assert pool("") == 1
    assert [line.split()[1] for line in pool.lines] == ["8.8.8.8"], "where that system has it registered is not known"


def test_what_was_declared_is_this_hosts_own(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    owns(monkeypatch, "10.0.0.7", declared=(WELL,))
    assert pool("") == 0
    assert [line.split()[1] for line in pool.lines] == [WELL]


@pytest.mark.parametrize("unseen", [False, True])
def test_who_has_no_public_address_is_told(pool: Pool, monkeypatch: pytest.MonkeyPatch, unseen: bool) -> None:
    owns(monkeypatch, "10.0.0.7", unseen=unseen)
    assert pool("") == Blocked.exit_code
    assert "this host has no public address of its own" in pool.err
    assert ("only root can read" in pool.err) is unseen
    assert "ntpjoin score ADDRESS" in pool.err
    assert not pool.listening.requests


# --- faults


HUGE = page(b" " * (5 << 20))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([page(b"", "404 Not Found")], "not registered"),
        ([page(b"", "500 Internal Server Error")], "URL: the server says 500 Internal Server Error"),
        ([page(b"", "429 Too Many Requests", retry_after="3600")], "SITE asks to be left alone for 3600 s"),
        ([page(b"<html>Sorry</html>")], "URL: what came is not JSON"),
        ([page(b'{"history": "none"}')], "what the pool's site tells of ADDRESS is not what it tells of a server's score"),
        ([page(b'{"server": {"ip": "192.0.2.9"}}')], "the pool's site was asked for ADDRESS and tells of another server"),
        ([HUGE], "URL: more than 4194304 bytes came"),
        ([page(b"half", content_length="8")[:-2]], "URL: the connection broke off"),
        ([b""], "URL: no answer within 0.4 s"),
        ([page(b"half", content_length="8"), b""], "URL: only a part of it came within 0.4 s"),
        ([b"SSH-2.0-x\r\n"], "URL: what came is not what a web server says, or only a part of it"),
        ([page(b"", "301 Moved", location="/scores/x/json")], "AGAIN: it is led on more than 5 times"),
        ([page(b"", "302 Found", location="http://localhost/")], "URL: it leads on to http://localhost/, which is not https"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line(pool: Pool, monkeypatch: pytest.MonkeyPatch, said: list[bytes], words: str) -> None:
    monkeypatch.setattr(site_module, "_TIMEOUT_S", 0.4 if " within " in words else 5.0)
    pool.site.instead["/json"] = said
    code = pool("8.8.8.8")
    expected = words.replace("ADDRESS", "8.8.8.8").replace("SITE", pool.listening.url)
    expected = expected.replace("AGAIN", f"{pool.listening.url}/scores/x/json")
    first, *more = pool.lines
    assert code == (1 if "not registered" in words else 3)
    for url in ("/scores", "/api/data/server/scores"):
        first = first.replace(f"{pool.listening.url}{url}/8.8.8.8/json?limit=500&monitor=*", "URL")
    assert first.split(maxsplit=2)[2].startswith(expected)
    assert len(more) <= 1, "the remedy"
    assert pool.err.count("\n") == 1


def test_a_wrong_certificate_is_refused(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert pool(WELL) == 3
    assert "its certificate is refused: " in pool.lines[0]
    assert "ca-certificates" in pool.lines[1]
    assert not pool.listening.requests


def test_a_name_that_is_not_the_sites_is_refused(pool: Pool, authority: trustme.CA) -> None:
    with WebServer(pool.site, authority.issue_cert("www.ntppool.org")) as posing:
        assert pool.typed(f"score --site {posing.url} {WELL}") == 3
        assert "certificate is not valid for 'localhost'" in pool.lines[0]
        assert not posing.requests


def test_nobody_is_there(pool: Pool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert pool.typed(f"score --site https://127.0.0.1:{port} {WELL}") == 3
    assert pool.lines[0].endswith(f"127.0.0.1: refused: nothing listens on TCP {port}")


def test_a_log_that_cannot_be_had_is_said_and_the_rest_is_told(pool: Pool) -> None:
    pool.site.instead["/log"] = [page(b"<html>")]
    assert pool(f"--why {WELL}") == 0
    assert pool.lines[1].strip() == "why points were lost is not known: what the pool's site has for a log is none"
    assert pool.json(f"--why {WELL}")[1]["scores"][0]["complaints"] is None


def test_of_many_the_rest_is_not_asked_where_the_site_fails(pool: Pool) -> None:
    pool.site.instead["/json"] = [page(b"", "502 Bad Gateway")]
    many = " ".join(f"203.0.113.{n}" for n in range(20, 60))
    assert pool(many) == 3
    assert len(pool.listening.requests) == 3
    assert pool.lines[-1] == "? 37 servers: not asked, for 3 questions in a row have failed"
    assert len(pool.json(many)[1]["scores"]) == 40


# --- usage


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("127.0.0.1", "'127.0.0.1' cannot be a server of the pool: it is a loopback address (RFC 1122)"),
        ("fe80::1", "'fe80::1' cannot be a server of the pool: it is a link-local address (RFC 4291)"),
        ("203.0.113", "'203.0.113' cannot be a server of the pool: it ends in a number"),
        ("https://203.0.113.7/", "cannot be a server of the pool: it is neither a host name nor an address"),
        ("203.0.113.7 time", "'time' cannot be a server of the pool: it has no domain"),
        ("--site http://localhost 203.0.113.7", "--site: 'http://localhost' is not the URL of a site"),
        ("--site https://localhost/x 203.0.113.7", "is not the URL of a site"),
        ("--site https://a@b 203.0.113.7", "is not the URL of a site"),
        ("--site localhost 203.0.113.7", "is not the URL of a site"),
        ("--json --format nagios 203.0.113.7", "--json and --format nagios contradict each other"),
        ("--svg /no/such/folder/x.svg 203.0.113.7", "there is no folder /no/such/folder"),
        ("--svg= 203.0.113.7", "--svg: '' is no file"),
        ("--output /no/such/folder/x 203.0.113.7", "there is no folder /no/such/folder"),
        ("--days 3 203.0.113.7", "No such option"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is(typed: Typed, line: str, words: str) -> None:
    code, found = (
        typed.json(f"score {line}") if "--format" not in line and "--json" not in line else (typed(f"score {line}"), {})
    )
    assert (code if found else 2) == 2
    assert words in typed.err
    assert typed.err.count("\n") <= 2


# --- forms and files


def test_programs_are_told_all_of_it(pool: Pool) -> None:
    code, found = pool.json(f"--why {DEAD} {NEW} {UNCHECKED} {STRANGER}")
    assert code == 1
    dead, new, unchecked, stranger = found["scores"]
    assert (dead["state"], dead["registered"], dead["in_pool"], dead["coming"]) == ("fail", True, False, False)
    assert dead["limit"] == -100
    assert dead["crosses_s"] is None
    assert dead["remedy"] == f"{pool.again} --why {DEAD}"
    assert 0 < dead["lost"] < dead["checks"] == 250
    assert sum(one["counts"] for one in dead["monitors"]) == 7
    assert [one["what"] for one in dead["complaints"]] == ["no answer within 3 s"]
    assert dead["complaints"][0]["count"] == dead["lost"]
    assert (new["coming"], new["state"]) == (True, "warn")
    assert 45 * 60 < new["crosses_s"] < 65 * 60
    assert (unchecked["score"], unchecked["monitors"], unchecked["registered"]) == (None, [], None)
    assert (unchecked["state"], unchecked["coming"], unchecked["complaints"]) == ("unknown", False, None)
    assert (stranger["registered"], stranger["in_pool"], stranger["complaints"]) == (False, False, None)


@pytest.mark.parametrize(
    ("addresses", "code", "status", "words"),
    [
        (WELL, 0, "OK", f"{WELL}: in the pool; steady; "),
        (f"{WELL} {SIX}", 0, "OK", "all 2 servers are in the pool"),
        (NEW, 1, "WARNING", f"{NEW}: not in the pool, which takes 10; rising"),
        (STALE, 1, "WARNING", "checked 5 h ago, not since"),
        (f"{WELL} {NEW} {DEAD}", 2, "CRITICAL", f"{DEAD}: not in the pool"),
        (STRANGER, 2, "CRITICAL", "not registered"),
        (f"{NEW} {UNCHECKED}", 3, "UNKNOWN", f"{UNCHECKED}: not checked in the last four days: it is new, "),
    ],
)
def test_a_monitoring_core_reads_one_line(pool: Pool, addresses: str, code: int, status: str, words: str) -> None:
    assert pool(f"--format nagios --quiet {addresses}") == code
    told, text, data = plugin_line(pool.typed.out)
    assert (told, words in text) == (status, True)
    assert pool.err == ""
    scored = [address for address in addresses.split() if address not in (STRANGER, UNCHECKED)]
    assert list(data) == scored
    assert all(re.fullmatch(r"-?[\d.]+;15:;10:", number) for number in data.values())


def test_a_core_hears_that_nothing_is_known(pool: Pool) -> None:
    pool.site.instead[WELL] = [page(b"", "502 Bad Gateway")]
    for addresses in (WELL, f"{SIX} {WELL}"):
        assert pool(f"--format nagios --quiet {addresses}") == 3
        status, text, _ = plugin_line(pool.typed.out)
        assert (status, "502 Bad Gateway" in text) == ("UNKNOWN", True)
    assert pool("--format nagios --bogus") == 3
    assert plugin_line(pool.typed.out)[0] == "UNKNOWN"


def test_metrics(pool: Pool) -> None:
    assert pool(f"--format prometheus {WELL} {DEAD} {STRANGER}") == 1
    found = metrics_page(pool.typed.out)
    assert value(found, "ntpjoin_score_exit_code") == 1
    assert time.time() - value(found, "ntpjoin_score_timestamp_seconds") < 60
    assert value(found, "ntpjoin_pool_score", address=WELL) == pytest.approx(20)
    assert value(found, "ntpjoin_pool_state", address=DEAD, state="fail") == 1
    assert value(found, "ntpjoin_pool_state", address=STRANGER, state="fail") == 1
    assert time.time() - value(found, "ntpjoin_pool_checked_timestamp_seconds", address=WELL) < 1000
    assert sum(name == "ntpjoin_pool_monitor_score" for name, _ in found) == 24
    assert pool("--format prometheus --bogus") == 2
    assert value(metrics_page(pool.typed.out), "ntpjoin_score_exit_code") == 2


@pytest.mark.parametrize("form", ["text", "json", "nagios", "prometheus"])
def test_a_file_takes_what_would_have_been_printed(pool: Pool, tmp_path: Path, form: str) -> None:
    code = pool(f"--format {form} {WELL}")
    printed = pool.typed.out
    file = tmp_path / "x.prom"
    assert pool(f"--format {form} --output {file} {WELL}") == code
    assert pool.typed.out == ""
    assert file.read_text() == printed


def test_a_file_that_programs_read_does_not_tell_of_better_days(pool: Pool, tmp_path: Path) -> None:
    owns(pool.typed.monkeypatch)
    file = tmp_path / "x.prom"
    file.write_text("all is well\n")
    assert pool(f"--format prometheus --output {file}") == 3
    assert value(metrics_page(file.read_text()), "ntpjoin_score_exit_code") == 3


def test_a_picture_in_a_file_is_whole(pool: Pool, tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    for _ in range(2):
        assert pool(f"--svg {file} {WELL} {DEAD}") == 1
        assert len(pool.lines) == 3, "and the answer all the same"
        root = ET.fromstring(file.read_text())
        assert root.get("viewBox") == "0 0 1000 1280"
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir() if one.is_file() and one.name != "authority.pem"] == [file.name]


@pytest.mark.parametrize("more", ["", "--format prometheus --output FILE"])
def test_a_picture_for_which_there_is_no_room_costs_no_answer(pool: Pool, tmp_path: Path, more: str) -> None:
    file, picture, real = tmp_path / "x.prom", tmp_path / "x.svg", Host.write

    def full(host: Host, path: str, state: FileState) -> None:
        if path == str(picture):
            raise StepFailed(f"{path} cannot be written: No space left on device", "make room")
        real(host, path, state)

    pool.typed.monkeypatch.setattr(Host, "write", full)
    assert pool(f"--svg {picture} {WELL} {more.replace('FILE', str(file))}") == 3
    assert pool.err.endswith(f"ntpjoin: {picture} cannot be written: No space left on device\n  make room\n")
    assert WELL in (file.read_text() if more else pool.typed.out)
    assert not picture.exists()


def test_the_picture_and_the_answer_are_two_files(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(tmp_path)
    for other in (tmp_path, tmp_path / "same"):
        assert pool(f"--svg {tmp_path}/x --output {other}/x {WELL}") == 2
        assert f"--output and --svg both name {tmp_path}/x" in pool.err
    assert pool(f"--svg /dev/full {WELL}") == 2
    assert pool.err == "ntpjoin: /dev/full is not a plain file\n  name another one for --svg\n"
    assert not pool.listening.requests


def test_where_nothing_is_known_no_picture_is_written(pool: Pool, tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    assert pool(f"--svg {file} {STRANGER}") == 1
    assert f"nothing is known that could be drawn: {file} was not written" in pool.err
    assert not file.exists()


# --- many, and not to the end


def test_hundreds_are_asked_one_after_the_other_with_few_words(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "_TOLD_EACH_S", 0.5)
    under_way: list[int] = []
    most: list[int] = []
    found = pool.site

    def answers(request: Request) -> Iterable[bytes]:
        under_way.append(1)
        most.append(len(under_way))
        said = list(found(request))
        under_way.pop()
        return said

    monkeypatch.setattr(pool.listening, "_answers", answers)
    many = " ".join(f"198.51.100.{n}" for n in range(1, 61))
    assert pool(f"{WELL} {many}") == 1
    assert max(most) == 1
    assert len(pool.lines) == 61
    told = pool.err.splitlines()
    assert 1 < len(told) < 50
    assert told[0] == f"  … pool       asking for {WELL}, 1 of 61 …"
    assert re.fullmatch(r"  … pool       asking for 198.51.100.\d+, \d+ of 61 …", told[1])


@pytest.mark.parametrize("form", ["text", "json", "nagios", "prometheus"])
def test_who_interrupts_sees_what_is_known(pool: Pool, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    found = pool.site

    def answers(request: Request) -> Iterable[bytes]:
        if SIX in request.path:
            os.kill(os.getpid(), signal.SIGINT)
            return [b""]
        return found(request)

    monkeypatch.setattr(pool.listening, "_answers", answers)
    code = pool(f"--format {form} {WELL} {SIX} {DEAD}")
    out = pool.typed.out
    if form == "text":
        assert (code, [line.split()[1] for line in out.splitlines()]) == (130, [WELL])
    elif form == "json":
        told = json.loads(out)
        assert (code, told["exit"], [one["address"] for one in told["scores"]]) == (130, 130, [WELL])
    elif form == "nagios":
        assert (code, plugin_line(out)[0]) == (3, "UNKNOWN")
    else:
        assert (code, value(metrics_page(out), "ntpjoin_score_exit_code")) == (130, 130)

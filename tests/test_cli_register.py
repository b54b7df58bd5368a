"""`register`, typed: what is missing, what one commits to, whom the pool knows, the links, and that nothing is submitted."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Callable, Optional

import pytest
import trustme

from ntpjoin.checks.joining import Door, NetSpeed
from ntpjoin.commands import register
from ntpjoin.facts import Facts, Holder, Zone
from ntpjoin.host.machine import Host
from ntpjoin.look import site as site_module
from ntpjoin.look.ownership import Ownership
from ntpjoin.look.sites import BETA, MANAGED
from ntpjoin.model import Wish
from ntpjoin.show import joining
from ntpjoin.show.joining import Registration
from ntpjoin.show.terminal import Style
from tests import pool_site
from tests.ownership import LINK, WORDS
from tests.pool_site import good, server
from tests.sample import OWN4, WISH, answered, changed, converged
from tests.typed import Typed
from tests.web_server import Request, WebServer, page

SIDE = "127.0.0.7"
#: Behind NAT, for nobody here has a public address to ask from.
BEHIND: Wish = replace(WISH, public_addresses=(OWN4,))
WELL: Facts = converged(addresses=(SIDE,), holders=tuple(Holder(812, "ntpd", one) for one in ("0.0.0.0", "::", SIDE)))


#: Servers that were deleted, with the days since they were registered, and since their monitors stopped; and one added a minute ago.
GONE = (("203.0.113.78", 40, 1), ("203.0.113.79", 40, 20))
FRESH, DAY = "203.0.113.80", 86400.0


class Pool:
    """The pool's site and its validation service, the program, and the host that it runs on."""

    def __init__(self, typed: Typed, listening: WebServer) -> None:
        self.typed = typed
        self.listening = listening
        self.said: list[bytes] = [page(WORDS.encode())]

    def on(self, facts: Facts, wish: Wish = BEHIND) -> None:
        last = facts.journal.last
        assert last is not None
        runs = (replace(last, wish=wish),)
        facts = replace(facts, journal=replace(facts.journal, runs=runs))
        self.typed.monkeypatch.setattr(register, "look", lambda _: facts)

    @property
    def options(self) -> str:
        return f"--site {self.listening.url} --validation {self.listening.url}/p/"

    def __call__(self, line: str = "") -> int:
        return self.typed(f"register {self.options} {line}")

    @property
    def paths(self) -> list[str]:
        return [request.path.split("?")[0] for request in self.listening.requests]


@pytest.fixture
def pool(
    typed: Typed,
    certificate: trustme.LeafCert,
    trusted: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pool]:
    from tests.judged import GOOD

    monkeypatch.setattr(Host, "is_root", lambda _: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(trusted.parent / "cache"))
    monkeypatch.setattr(site_module, "GAP_S", 0.0)
    evidence = replace(GOOD, answers=answered(SIDE), tells={SIDE: ()})
    monkeypatch.setattr(register, "gather", lambda *_: evidence)
    monkeypatch.setattr(register, "look_place", lambda _: Zone("Europe/Berlin", "DE\t+5230+01322\tEurope/Berlin\n"))
    now = time.time()
    gone = [server(one, good(), now - days * DAY, now - ago_days * DAY) for one, days, ago_days in GONE]
    fresh = pool_site.Server(FRESH, {}, [pool_site.registered(now - 60)])
    site = pool_site.Site(server(OWN4, good(), now - 7200, now), *gone, fresh, now_s=now)

    def said(request: Request) -> Iterable[bytes]:
        return found.said if request.path == "/p/" else site(request)

    with WebServer(said, certificate) as listening:
        site.url = listening.url
        monkeypatch.setattr(joining, "MANAGED", {site.url: "https://manage.example/"})
        found = Pool(typed, listening)
        found.on(WELL)
        yield found
    assert {request.client for request in listening.requests if request.path == "/p/"} <= {SIDE}


def test_who_is_known_gets_his_link_from_his_own_side(pool: Pool) -> None:
    assert pool() == 0, pool.typed.out
    out = pool.typed.out
    assert re.search(rf"^  ✓ {OWN4} +{LINK}$", out, re.MULTILINE)
    assert f"{OWN4} is registered by itself, through NAT to {SIDE}" in out
    assert f"\n                ntpjoin score --site {pool.listening.url} {OWN4}\n" in out
    assert "its zone is de (by its time zone, Europe/Berlin)" in out
    assert "Begin with a net speed of 512 kbit/s, a new server is given 10000: another machine's NAT leads here" in out
    assert "open within 72 h, logged in" in out
    assert out.endswith(f"then watch: ntpjoin score --site {pool.listening.url}\nNothing was submitted for you.\n")
    assert pool.paths == ["/p/"], "who gets a link is known"


def test_what_one_commits_to_is_said_whatever_is_found(pool: Pool) -> None:
    from ntpjoin.show.joining import COMMITMENTS

    for facts in (WELL, replace(WELL, daemon=None)):
        pool.on(facts)
        pool()
        assert all(f"  - {line}\n" in pool.typed.out for line in COMMITMENTS)


def test_where_it_is_not_sure_whose_link_would_come_none_is_asked_for(pool: Pool) -> None:
    pool.on(WELL, replace(BEHIND, public_addresses=(OWN4, STRANGER)))
    assert pool() == 3
    assert f"{OWN4} is registered by itself, through NAT to one of this host's addresses" in pool.typed.out
    [line] = [line for line in pool.typed.out.splitlines() if line.startswith(f"  ? {OWN4} ")]
    assert "not asked for" in line
    assert f"curl --interface IT {pool.listening.url}/p/" in pool.typed.out
    assert "/p/" not in pool.paths
    assert LINK not in pool.typed.out


STRANGER = "203.0.113.77"


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable"])
def test_who_is_not_known_is_told_to_add_himself(pool: Pool, status: str) -> None:
    """By the site: the service that gives the links has none for who is seen by another address, too."""
    pool.on(WELL, replace(BEHIND, public_addresses=(STRANGER,)))
    pool.said = [page(b"", status)]
    assert pool() == 0
    assert f"the pool does not know {STRANGER} yet" in pool.typed.out
    assert f"Next: log in at https://manage.example/, and add {STRANGER} there" in pool.typed.out
    assert "To prove" not in pool.typed.out
    assert pool.paths[0] == "/p/"
    assert STRANGER in pool.paths[1]


def test_who_is_known_to_the_site_alone_is_registered_and_has_no_link(pool: Pool) -> None:
    pool.said = [page(b"", "404 Not Found")]
    assert pool() == 3
    assert f"the pool knows {OWN4}" in pool.typed.out
    assert f"  ? {OWN4} " in pool.typed.out
    assert "the server says 404 Not Found" in pool.typed.out
    assert f"it knows no server by the address at which it sees {SIDE}" in pool.typed.out
    assert "add 203" not in pool.typed.out


@pytest.mark.parametrize(("address", "known"), [(FRESH, True), *((one, None) for one, *_ in GONE)])
def test_who_may_have_been_deleted_is_not_said_to_be_known(pool: Pool, address: str, known: Optional[bool]) -> None:
    """The site tells of those for 30 days more, and no link comes: they have to be added anew."""
    pool.on(WELL, replace(BEHIND, public_addresses=(address,)))
    pool.said = [page(b"", "404 Not Found")]
    code, found = pool.typed.json(f"register {pool.options}")
    assert (code, [one["registered"] for one in found["addresses"]]) == (3, [known])
    [point] = [point for point in found["points"] if point["id"] == "registered"]
    assert ("may have been deleted" in point["text"]) is (known is None)
    assert point["remedy"] == f"ntpjoin score --site {pool.listening.url} {address}"


def test_who_was_added_a_moment_ago_gets_his_link_though_the_site_knew_nothing_then(pool: Pool) -> None:
    pool.on(WELL, replace(BEHIND, public_addresses=(STRANGER,)))
    pool.said = [page(b"", "503 Service Unavailable")]
    assert pool() == 0
    pool.said = [page(WORDS.encode())]
    assert pool() == 0
    assert f"the pool knows {STRANGER}" in pool.typed.out
    assert LINK in pool.typed.out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([page(b"", "503 Service Unavailable")], "the server says 503 Service Unavailable"),
        ([page(b"<html>")], "what came has no link"),
        ([page(b"x" * 100_000)], "more than 65536 bytes came"),
    ],
)
def test_a_link_that_cannot_be_had_is_told(pool: Pool, said: list[bytes], words: str) -> None:
    pool.said = said
    assert pool() == 3
    assert words in pool.typed.out
    assert "Next: ntpjoin register again" in pool.typed.out


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable"])
def test_where_nobody_tells_that_is_told(pool: Pool, status: str) -> None:
    pool.said = [page(b"", status)]
    assert pool.typed(f"register --site https://127.0.0.1:9 --validation {pool.listening.url}/p/") == 3
    assert f"whether the pool knows {OWN4} could not be told" in pool.typed.out


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda facts: replace(facts, daemon=None), 1, "no ntpd tells its stratum here"),
        (lambda facts: changed(facts, daemon__board__system__stratum=7), 1, "its stratum is 7, and a server is added with 1 to 5"),
        (lambda facts: changed(facts, daemon__board__system__leap=3, daemon__age_s=20.0), 5, "it is not synchronised"),
        (lambda facts: changed(facts, system__row=None), 3, "is not supported"),
    ],
)  # fmt: skip
def test_what_speaks_against_it(pool: Pool, change: Callable[[Facts], Facts], code: int, words: str) -> None:
    pool.on(change(WELL))
    assert pool() == code
    assert words in pool.typed.out + pool.typed.err
    assert ("Not ready to join" in pool.typed.out) is (code == 1)


def test_who_has_no_public_address_cannot_join(pool: Pool) -> None:
    pool.on(WELL, Wish(upstreams=WISH.upstreams))
    assert pool() == 1
    assert f"this host has no public address ({SIDE}: a loopback address (RFC 1122))" in pool.typed.out
    assert not pool.paths


def test_programs_are_told_all_of_it(pool: Pool) -> None:
    code, found = pool.typed.json(f"register {pool.options}")
    assert code == 0
    assert found["addresses"] == [{"address": OWN4, "source": SIDE, "registered": True, "link": LINK, "problem": ""}]
    assert {point["id"] for point in found["points"]} >= {
        "address",
        "static",
        "stratum",
        "verify",
        "outside",
        "zone",
        "registered",
    }
    assert found["net_speed_kbit"] == 512
    assert len(found["commitments"]) > 5


def test_another_site_has_another_service_and_nobody_is_sent_to_the_pools_own(pool: Pool) -> None:
    assert pool.typed(f"register --site {BETA}") == 2
    assert "which validation service gives its links is not known" in pool.typed.err
    assert "--validation URL" in pool.typed.err
    assert not pool.paths
    pool.on(WELL, replace(BEHIND, public_addresses=(STRANGER,)))
    pool.said = [page(b"", "404 Not Found")]
    pool.typed.monkeypatch.setattr(joining, "MANAGED", {})
    assert pool() == 0
    assert "Next: log in at the page where that system's servers are managed, and add" in pool.typed.out
    assert "manage.ntppool.org" not in pool.typed.out
    assert MANAGED[BETA] == "https://manage.beta.grundclock.com/manage"


@pytest.mark.parametrize("url", ["http://localhost/p/", "https://localhost", "localhost/p/", "https://a b/p/", ""])
def test_a_service_is_named_by_its_page(typed: Typed, url: str) -> None:
    import sys

    typed.monkeypatch.setattr(sys, "argv", ["ntpjoin", "register", "--validation", url])
    from ntpjoin import cli as cli_module

    assert cli_module._main() == 2
    assert "is not the URL of a page" in typed.capsys.readouterr().err


@pytest.mark.parametrize(
    ("known", "source", "links", "words"),
    [
        (None, SIDE, {}, "register again"),
        (False, SIDE, {}, "log in"),
        (True, SIDE, {OWN4: Ownership(problem="no answer")}, "register again"),
        (True, "", {OWN4: Ownership(problem="not asked for")}, "by hand"),
        (True, SIDE, {OWN4: Ownership(LINK)}, "proven"),
    ],
)
def test_with_nothing_proven_nobody_is_told_to_go_on(
    known: Optional[bool], source: str, links: dict[str, Ownership], words: str
) -> None:
    made = Registration((), (Door(OWN4, source),), {OWN4: known}, links, NetSpeed(512, "x"))
    [following] = [line for line in joining.text(made, Style(io.StringIO())).splitlines() if line.startswith("Next: ")]
    assert words in following

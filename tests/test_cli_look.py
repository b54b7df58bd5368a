"""What changes nothing, as it is typed: `detect`, `resolve`, `render`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.model import Asked, Candidate, Resolved
from ntpjoin.provision.render import ntp_conf
from tests.sample import PINS, ROW, WISH, converged, detected, fresh, sample
from tests.typed import ENVELOPE, PLANNED, Typed


def test_detect(typed: Typed) -> None:
    typed.command("detect", lambda _: detected(fresh(), unknown=("the moon",)))
    code, page = typed.json("detect")
    assert code == 0
    assert set(page) == ENVELOPE | {
        "os", "machine", "package_manager", "ntpd", "files", "firewall", "time_daemons", "setters",
        "udp_123", "unknown",
    }  # fmt: skip
    assert page["unknown"] == ["the moon"]
    assert typed("detect") == 0
    assert typed.out.splitlines()[-1] == "? the moon"


def upstreams(typed: Typed, *, unseen: bool = False) -> list[dict[str, Any]]:
    """Four good servers, a silent one, a private one and one of the pool; returns what the survey is told."""
    good = [Candidate(Resolved(f"ntp{n}.example.net", (), (f"9.9.9.{n}",), 300), (Asked(f"9.9.9.{n}", sample(f"9.9.9.{n}")),)) for n in range(1, 5)]  # fmt: skip  # noqa: E501
    silent = Candidate(Resolved("silent.example.net", ("real.example.net",), ("9.9.9.9",), 60), (Asked("9.9.9.9", problem="no answer"),))  # fmt: skip  # noqa: E501
    every = {one.name: one for one in (*good, silent)}
    every["private.example.net"] = Candidate(Resolved("private.example.net", (), ("10.9.8.7",), 60))
    every["0.pool.ntp.org"] = Candidate(Resolved("0.pool.ntp.org", (), ("9.9.9.1",), 60))
    every["nx.example.net"] = Candidate(Resolved("nx.example.net", problem="no such name"))
    told: list[dict[str, Any]] = []

    def survey(names: tuple[str, ...], **how: Any) -> tuple[Candidate, ...]:
        told.append(how)
        return tuple(every[name] for name in names)

    wish = replace(WISH, public_addresses=("198.51.100.7",))
    remembered = JournalFacts() if unseen else JournalFacts((RunFact(1, "done", wish, PINS),))
    typed.command("look_journal", lambda _: replace(remembered, unseen=unseen))
    typed.command("look_addresses", lambda _: ("203.0.113.7",))
    typed.command("survey", survey)
    return told


def test_resolve_names_that_can_be_followed(typed: Typed) -> None:
    told = upstreams(typed)
    code, page = typed.json("resolve ntp1.example.net NTP2.example.net. ntp1.example.net")
    assert (code, set(page)) == (0, ENVELOPE | {"names", "unknown"})
    assert [(one["name"], one["followed"], one["ttl_s"]) for one in page["names"]] == [
        ("ntp1.example.net", True, 300),
        ("ntp2.example.net", True, 300),
    ]
    [address] = page["names"][0]["addresses"]
    assert (address["address"], address["stratum"], address["problem"]) == ("9.9.9.1", 2, "")
    assert (address["offset_ms"], address["delay_ms"]) == (1.0, 10.0)
    own = ("203.0.113.7", "198.51.100.7")
    how: dict[str, Any] = {"refused": {}, "nameservers": None, "gaps_s": {}}
    assert told == [{"own_addresses": own, "allow_private": True, **how}]
    assert page["unknown"] == []
    assert typed("resolve ntp1.example.net") == 0
    assert typed.out == (
        "ntp1.example.net  (TTL 300 s)\n  9.9.9.1  stratum 2, offset +1.0 ms, delay 10.0 ms\n  ✓ can be followed\n"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silent.example.net", ("alias of real.example.net", "9.9.9.9  no answer", "✗ cannot be followed: no answer")),
        ("0.pool.ntp.org", ("not asked: a rule forbids the name", "a name of the pool itself")),
        ("nx.example.net", ("cannot be followed: no such name",)),
    ],
)
def test_resolve_a_name_that_cannot_be_followed(typed: Typed, name: str, words: tuple[str, ...]) -> None:
    upstreams(typed)
    code, page = typed.json(f"resolve ntp1.example.net {name}")
    assert code == 1
    assert [one["followed"] for one in page["names"]] == [True, False]
    assert page["names"][1]["why"]
    assert typed(f"resolve {name}") == 1
    for word in words:
        assert word in typed.out


def test_resolve_tells_which_option_would_help(typed: Typed) -> None:
    told = upstreams(typed)
    code, page = typed.json("resolve private.example.net --no-allow-private")
    assert (code, page["names"][0]["remedy"]) == (1, "--allow-private")
    assert page["names"][0]["addresses"][0]["problem"] == "not asked: a private address (RFC 1918)"
    assert told[-1]["allow_private"] is False
    assert typed("resolve private.example.net --no-allow-private") == 1
    assert "add --allow-private" in typed.out


def test_resolve_asks_the_dns_servers_that_are_named(typed: Typed) -> None:
    told = upstreams(typed)
    assert typed("resolve ntp1.example.net --resolver 2001:DB8::53 --resolver 127.0.0.53 --resolver 127.0.0.53") == 0
    assert told[-1]["nameservers"] == ("2001:db8::53", "127.0.0.53")


def test_resolve_names_what_it_cannot_read(typed: Typed) -> None:
    told = upstreams(typed, unseen=True)
    code, page = typed.json("resolve ntp1.example.net")
    assert code == 0
    assert "root" in page["unknown"][0]
    assert told[-1]["allow_private"] is False
    assert typed("resolve ntp1.example.net") == 0
    assert typed.out.splitlines()[-1].startswith("? ")


def test_render_prints_the_file_and_nothing_else(typed: Typed) -> None:
    typed.host(fresh())
    code, page = typed.json("render")
    assert (code, set(page)) == (0, ENVELOPE | PLANNED | {"content"})
    assert [change["object"] for change in page["changes"]] == [ROW.config]
    assert page["content"] == ntp_conf(ROW, PINS, leapfile=True)
    assert typed("render --survey") == 0
    assert typed.out == ntp_conf(ROW, PINS, leapfile=True)
    assert typed.err == ""
    assert typed.given == {"survey": True}


def test_render_the_difference(typed: Typed) -> None:
    typed.host(fresh())
    assert typed("render --diff") == 0
    assert typed.out.startswith(f"--- /dev/null\n+++ {ROW.config}\n")
    typed.host(converged(), chosen=False)
    assert typed("render --diff") == 0
    assert typed.out == ""
    assert typed.json("render --diff")[1]["changed"] is False


def test_render_says_beside_the_file_what_is_to_be_known(typed: Typed) -> None:
    typed.host(fresh(journal=JournalFacts(unseen=True)))
    assert typed("render") == 0
    assert typed.out == ntp_conf(ROW, PINS, leapfile=True)
    assert "can only be read by root" in typed.err


@pytest.mark.parametrize(
    ("parts", "code"), [({"system__row": None}, "system"), ({"journal": JournalFacts(problem="corrupt")}, "journal")]
)
def test_render_that_cannot_be_told_is_3(typed: Typed, parts: dict[str, Any], code: str) -> None:
    typed.host(fresh(**parts))
    found, page = typed.json("render")
    assert (found, page["content"], [one["code"] for one in page["blockers"]]) == (3, "", [code])
    assert typed("render") == 3
    assert typed.out == ""
    assert "cannot be told" in typed.err

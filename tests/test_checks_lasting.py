"""Whether clients will find this server under the same address for years, and what it is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.checks.evidence import gather
from ntpjoin.checks.lasting import pointers
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts, JournalFacts
from ntpjoin.host.machine import Host
from ntpjoin.model import Asked, Check, Wish
from ntpjoin.wire import dns, management, ntp
from tests.judged import GOOD
from tests.sample import OWN4, OWN6, PINS, WISH, converged

PUBLIC4, PUBLIC6 = "9.9.9.9", "2a00:1450::1"


def told(facts: Facts, check: str, wish: Wish = WISH, names: Optional[dict[str, Any]] = None) -> list[Check]:
    evidence = replace(GOOD, names=names or {})
    return [one for one in judge(facts, wish, PINS, evidence) if one.id == check]


def only(facts: Facts, wish: Wish = WISH, names: Optional[dict[str, Any]] = None) -> tuple[str, str, str]:
    [found] = told(facts, "answers.static", wish, names)
    return found.state.value, found.text, found.remedy


# --- addresses that last


def test_addresses_that_were_only_lent_are_one_alarm_with_what_to_say_if_they_stay() -> None:
    state, text, remedy = only(converged(leases={OWN4: 86000, OWN6: 2591000}))
    assert state == "warn"
    assert text.startswith(
        f"{OWN4} and {OWN6}: lent for 23 hours by DHCP or a router, and the pool wants addresses that stay"
    )
    assert (
        remedy == f"have it assigned for good; if it is: ntpjoin setup --public-address {OWN4} --public-address {OWN6}"
    )


def test_what_was_declared_is_believed() -> None:
    """What the remedy says, typed, mends it."""
    leases = {OWN4: 86000, OWN6: 2591000}
    both = replace(WISH, public_addresses=(OWN4, OWN6))
    assert only(converged(leases=leases), both)[:2] == (
        "ok",
        f"{OWN4} and {OWN6}: taken to last, for it was declared with --public-address",
    )
    one = replace(WISH, public_addresses=(OWN4,))
    state, text, remedy = only(converged(leases=leases), one)
    assert (state, text.partition(":")[0] == "2001") == ("warn", True)
    assert text.startswith(f"{OWN6}: lent for 29 days")
    assert remedy.endswith(f"ntpjoin setup --public-address {OWN4} --public-address {OWN6}")


def test_addresses_that_nobody_lent_are_good() -> None:
    assert only(converged())[:2] == ("ok", "no address of this host is only lent")
    # Those of others on this host, as of containers, are not asked by clients.
    assert only(converged(leases={"10.0.0.9": 60}))[0] == "ok"


def test_behind_nat_the_declared_address_counts_and_the_lent_private_one_does_not() -> None:
    facts = converged(addresses=("10.0.0.1",), leases={"10.0.0.1": 3600})
    wish = Wish(public_addresses=(PUBLIC4,))
    assert only(facts, wish)[:2] == ("ok", f"{PUBLIC4}: taken to last, for it was declared with --public-address")
    assert told(converged(addresses=("10.0.0.1",)), "answers.static", Wish()) == []


def test_a_temporary_address_that_was_declared_is_warned_of() -> None:
    facts = converged(addresses=(PUBLIC4, PUBLIC6), leases={"2a00:1450::aaaa": 600})
    state, text, remedy = only(facts, Wish(public_addresses=("2a00:1450::aaaa",)))
    assert state == "warn"
    assert "2a00:1450::aaaa was declared with --public-address, but is temporary (RFC 8981)" in text
    assert remedy.endswith("ntpjoin setup --public-address ADDR")


def test_without_root_what_was_declared_is_not_known() -> None:
    facts = converged(leases={OWN4: 86000}, journal=JournalFacts(unseen=True))
    state, text, remedy = only(facts)
    assert (state, remedy) == ("unknown", "sudo ntpjoin verify")
    assert text.startswith(f"{OWN4}: lent for 23 hours")
    facts = converged(leases={OWN4: 86000}, journal=JournalFacts(problem="a page is gone", remedy="restore it"))
    assert only(facts)[::2] == ("unknown", "restore it")


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (172800, "2 days"),
        (172799, "47 hours"),
        (7200, "2 hours"),
        (7199, "119 minutes"),
        (120, "2 minutes"),
        (119, "119 seconds"),
    ],
)
def test_how_long_it_was_lent_for(seconds: int, span: str) -> None:
    assert f"lent for {span} by" in only(converged(leases={OWN4: seconds}))[1]


@pytest.mark.parametrize(
    ("name", "passing"),
    [
        ("p5b0c1d2e.dip0.t-ipconnect.de", True),
        ("dyn-9-9-9-9.example.net", True),
        ("9.9.9.9.dynamic.example.net", True),
        ("host9.dhcp.example.net", True),
        ("dhcp42.example.net", True),
        ("ppp-9-9.example.net", True),
        ("static-9-9-9-9.dynamic.example.net", False),
        ("time.example.net", False),
        ("ntp.dynamite.example", False),
        ("pool.example.net", False),
        ("ec2-9-9-9-9.compute.amazonaws.com", False),
        ("dynatrace.example.net", False),
    ],
)
def test_a_name_that_says_that_its_address_changes_owners(name: str, passing: bool) -> None:
    facts = converged(addresses=(PUBLIC4,))
    state, text, remedy = only(facts, Wish(), {PUBLIC4: ("x.example.net", name)})
    assert state == ("warn" if passing else "ok")
    assert not passing or (name in text and remedy.endswith(f"ntpjoin setup --public-address {PUBLIC4}"))
    assert only(facts, Wish(public_addresses=(PUBLIC4,)), {PUBLIC4: (name,)})[0] == "ok"
    # One alarm, not two, where it was lent, too.
    assert only(converged(addresses=(PUBLIC4,), leases={PUBLIC4: 60}), Wish(), {PUBLIC4: (name,)})[0] == "warn"


# --- names


def test_names_are_told_and_that_there_is_none_is_well() -> None:
    names = {PUBLIC4: ("time.example.net", "b", "c", "d"), "1.2.3.4": None, PUBLIC6: (), "1.2.3.5": None}
    assert [(one.state.value, one.text) for one in told(converged(), "host.ptr", names=names)] == [
        ("ok", f"{PUBLIC4} is called time.example.net, b, c"),
        ("ok", f"{PUBLIC6} has no name in DNS: none is needed, but who complains of abuse finds you by it"),
        ("unknown", "what 1.2.3.4 and 1.2.3.5 is called in DNS could not be asked"),
    ]


def test_only_public_addresses_are_asked_for_declared_ones_too() -> None:
    facts = converged(addresses=("10.0.0.1", PUBLIC4, OWN4, PUBLIC6))
    assert pointers(facts, Wish(allow_private=True)) == (PUBLIC4, PUBLIC6)
    assert pointers(facts, Wish(public_addresses=(PUBLIC4, "1.2.3.4"))) == (PUBLIC4, PUBLIC6, "1.2.3.4")
    assert pointers(converged(), WISH) == ()


def test_names_are_asked_beside_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "names_of", lambda addresses: dict.fromkeys(addresses, ("x.example.net",)))
    monkeypatch.setattr(ntp, "exchange", lambda addresses, **_: [Asked(one) for one in addresses])
    monkeypatch.setattr(management, "managed", lambda *_, **__: ())
    facts = Facts(system=converged().system, addresses=(PUBLIC4, "10.0.0.1"))
    assert gather(Host(), facts, Wish(), ()).names == {PUBLIC4: ("x.example.net",)}

"""Judging: each fault leads to exactly the check that names it, and nothing that was not seen is called good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.checks.verify import Evidence, count, judge, service_addresses, settling
from ntpjoin.facts import Facts, Holder, Unit
from ntpjoin.model import Asked, Billboard, CheckState, Wish
from tests.sample import (
    ADDRESSES,
    BOARD,
    NAMES,
    OWN4,
    OWN6,
    PINS,
    ROW,
    WISH,
    answered,
    changed,
    converged,
    peer,
    sample,
)

LEADS = {pin.name: (pin.address,) for pin in PINS}
GOOD = Evidence(answered(OWN4, OWN6), {OWN4: False, OWN6: False}, LEADS)


def judged(facts: Facts, evidence: Evidence = GOOD, wish: Wish = WISH) -> list[tuple[str, str]]:
    """Every check that is not ok."""
    return [
        (check.id, check.state.value)
        for check in judge(facts, wish, PINS, evidence)
        if check.state is not CheckState.OK
    ]


OUTSIDE = ("outside", "unknown")


def test_a_good_server_is_good_as_far_as_can_be_seen() -> None:
    checks = judge(converged(), WISH, PINS, GOOD)
    assert judged(converged()) == [OUTSIDE]
    assert [check.id for check in checks] == [
        "service.running",
        "service.enabled",
        "service.config",
        "service.port",
        "sync.peer",
        "sync.stratum",
        "sync.survivors",
        "upstreams.followed",
        "upstreams.pins",
        "answers.ipv4",
        "answers.ipv6",
        "closed.ipv4",
        "closed.ipv6",
        "firewall",
        "outside",
    ]
    assert count(checks) == {CheckState.OK: 14, CheckState.WARN: 0, CheckState.FAIL: 0, CheckState.UNKNOWN: 1}


def unit(**changes: Any) -> dict[str, Any]:
    return {"units": {ROW.unit: replace(converged().unit(ROW.unit), **changes)}}


def board(**changes: Any) -> dict[str, Any]:
    return {"daemon__board": changed(BOARD, **changes)}


def peers(*changes: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The billboard with some peers changed."""
    found = dict(enumerate(BOARD.peers, 1))
    for number, parts in changes:
        found[number] = replace(found[number], **parts)
    return {"daemon__board": Billboard(BOARD.system, tuple(found.values()))}


@pytest.mark.parametrize(
    ("parts", "faults"),
    [
        pytest.param({"system__row": None}, [("system", "fail")], id="not supported"),
        pytest.param(unit(enabled="disabled"), [("service.enabled", "fail")], id="disabled"),
        pytest.param(unit(enabled="masked"), [("service.enabled", "fail")], id="masked"),
        pytest.param({"daemon__config": "/run/ntp.conf.dhcp"}, [("service.config", "fail")], id="another file"),
        pytest.param({"holders": (Holder(9, "ntpd", "0.0.0.0"),)}, [("service.port", "fail")], id="another holder"),
        pytest.param({"holders": ()}, [("service.port", "fail")], id="no port"),
        pytest.param({"holders": None}, [("service.port", "unknown")], id="not root"),
        pytest.param(board(system__peer_associd=0), [("sync.peer", "fail")], id="no system peer"),
        pytest.param(board(system__leap=3), [("sync.peer", "fail")], id="leap 3"),
        pytest.param(board(system__stratum=6), [("sync.stratum", "fail")], id="stratum 6"),
        pytest.param(board(system__stratum=16), [("sync.stratum", "fail")], id="stratum 16"),
        pytest.param(board(system__stratum=1), [], id="stratum 1"),
        pytest.param(board(system__stratum=5), [], id="stratum 5"),
        pytest.param(peers((2, {"tally": "x"})), [("upstreams.falseticker", "warn")], id="falseticker"),
        pytest.param(peers((2, {"tally": " ", "reach": 0})), [("upstreams.silent", "warn")], id="silent"),
        pytest.param(
            peers((2, {"tally": "x"}), (3, {"tally": "x"}), (4, {"tally": "-"})),
            [("sync.survivors", "fail"), ("upstreams.falseticker", "warn"), ("upstreams.falseticker", "warn")],
            id="too few agree",
        ),
        pytest.param(peers((2, {"tally": "-"}), (3, {"tally": "-"})), [], id="enough agree"),
        pytest.param(peers((2, {"tally": "#"}), (3, {"tally": "o"})), [], id="backups and a PPS source agree"),
        pytest.param(
            {"firewall__admits": {"IPv4": True, "IPv6": False}}, [("firewall", "fail")], id="ufw shut for IPv6"
        ),
        pytest.param({"firewall__admits": {"IPv4": True}, "firewall__families": ("IPv4",)}, [], id="ufw without IPv6"),
        pytest.param({"firewall__manager": "firewalld"}, [("firewall", "unknown")], id="firewalld"),
        pytest.param({"firewall__manager": "rules"}, [("firewall", "unknown")], id="own rules"),
        pytest.param({"firewall__manager": "unknown"}, [("firewall", "unknown")], id="firewall not seen"),
        pytest.param({"firewall__manager": "none"}, [], id="no firewall"),
    ],
)
def test_one_fault_one_check(parts: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    end = [] if "system__row" in parts else [OUTSIDE]
    assert judged(converged(**parts)) == [*faults, *end]


@pytest.mark.parametrize(
    ("manager", "words"),
    [("firewalld", "firewalld"), ("rules", "somebody's own"), ("unknown", "only be seen by root")],
)
def test_a_firewall_that_is_not_judged_is_named(manager: str, words: str) -> None:
    [check] = [one for one in judge(converged(firewall__manager=manager), WISH, PINS, GOOD) if one.id == "firewall"]
    assert words in check.text


def test_a_daemon_that_does_not_run() -> None:
    facts = converged(**unit(active="failed"), daemon=None, holders=())
    silent = Evidence({OWN4: Asked(OWN4, problem="no answer")}, {OWN4: False}, LEADS)
    assert judged(facts, silent) == [
        ("service.running", "fail"),
        ("sync.peer", "unknown"),
        ("answers.ipv4", "fail"),
        ("closed.ipv4", "unknown"),
        OUTSIDE,
    ]


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (Unit(ROW.unit, "loaded", "enabled", "failed"), f"systemctl start {ROW.unit}"),
        (Unit(ROW.unit), "ntpjoin setup"),
    ],
)
def test_what_to_type_where_it_does_not_run(found: Unit, remedy: str) -> None:
    check = judge(converged(units={ROW.unit: found}, daemon=None), WISH, PINS, GOOD)[0]
    assert (check.id, check.remedy) == ("service.running", remedy)


def test_a_process_that_is_not_ntpd() -> None:
    found = judged(converged(daemon=None))
    assert ("service.config", "fail") in found
    assert ("service.port", "fail") in found


def test_a_daemon_that_tells_nothing_is_not_called_good() -> None:
    found = judged(converged(**board(system=None, peers=())))
    assert ("sync.peer", "unknown") in found
    assert ("closed.ipv4", "unknown") in found
    assert ("closed.ipv6", "unknown") in found


def test_a_daemon_that_follows_nobody() -> None:
    assert judged(converged(**board(peers=(), system__peer_associd=0)))[:2] == [
        ("sync.peer", "fail"),
        ("sync.survivors", "fail"),
    ]


@pytest.mark.parametrize(
    ("evidence", "faults"),
    [
        pytest.param(replace(GOOD, tells={OWN4: False, OWN6: True}), [("closed.ipv6", "fail")], id="open on IPv6 only"),
        pytest.param(replace(GOOD, tells={OWN4: True, OWN6: True}), [("closed.ipv4", "fail"), ("closed.ipv6", "fail")], id="open"),
        pytest.param(replace(GOOD, tells={OWN4: None, OWN6: False}), [("closed.ipv4", "unknown")], id="could not ask"),
        pytest.param(
            replace(GOOD, answers={**GOOD.answers, OWN6: Asked(OWN6, problem="no answer")}), [("answers.ipv6", "fail")], id="silent"
        ),
        pytest.param(
            replace(GOOD, answers={OWN4: Asked(OWN4, sample(OWN4, leap=3))}), [("answers.ipv4", "fail")], id="answers leap 3"
        ),
        pytest.param(
            replace(GOOD, answers={OWN4: Asked(OWN4, sample(OWN4, stratum=16))}), [("answers.ipv4", "fail")], id="stratum 16"
        ),
        pytest.param(
            replace(GOOD, answers={OWN4: Asked(OWN4, sample(OWN4, stratum=0))}), [("answers.ipv4", "fail")], id="stratum 0"
        ),
        pytest.param(replace(GOOD, answers={}, tells={}), [("answers.address", "warn")], id="no public address"),
        pytest.param(
            replace(GOOD, leads={**LEADS, NAMES[1]: ("198.51.100.9",)}), [("upstreams.pins", "warn")], id="a name moved"
        ),
        pytest.param(
            replace(GOOD, leads={**LEADS, NAMES[1]: (ADDRESSES[1], "198.51.100.9")}), [], id="a name got one more address"
        ),
        pytest.param(replace(GOOD, leads={**LEADS, NAMES[1]: ()}), [("upstreams.pins", "unknown")], id="DNS does not tell"),
        pytest.param(replace(GOOD, leads={}), [("upstreams.pins", "unknown")], id="no DNS"),
        pytest.param(
            replace(GOOD, complaints=("restrict ignored", "leap file")), [("service.log", "warn")] * 2, id="complaints"
        ),
    ],
)  # fmt: skip
def test_what_was_asked_is_judged(evidence: Evidence, faults: list[tuple[str, str]]) -> None:
    assert judged(converged(), evidence) == [*faults, OUTSIDE]


def test_a_declared_public_address_is_unknown_until_somebody_asks_it() -> None:
    wish = replace(WISH, public_addresses=("198.51.100.77",))
    found = judge(converged(), wish, PINS, replace(GOOD, answers={}, tells={}))
    assert ("answers.address", CheckState.UNKNOWN) in [(check.id, check.state) for check in found]
    assert found[-1].remedy == "on another machine: ntpdig 198.51.100.77"


def test_without_pins_nothing_is_said_of_them() -> None:
    assert not [check for check in judge(converged(), Wish(), (), GOOD) if check.id == "upstreams.pins"]


def test_private_addresses_serve_nobody_unless_the_operator_says_so() -> None:
    facts = converged(addresses=("10.0.0.1", "192.0.2.1", "fd00::1", "9.9.9.9", "2a00:1450::1"))
    assert service_addresses(facts, Wish()) == ("9.9.9.9", "2a00:1450::1")
    assert service_addresses(facts, Wish(allow_private=True)) == facts.addresses


@pytest.mark.parametrize(
    ("parts", "age_s", "expected"),
    [
        ({}, 10.0, False),
        (board(system__peer_associd=0), 10.0, True),
        (board(system__peer_associd=0), 299.0, True),
        (board(system__peer_associd=0), 300.0, False),
        ({**board(system__peer_associd=0), "holders": ()}, 10.0, False),
        ({"firewall__admits": {"IPv4": False, "IPv6": False}}, 10.0, False),
    ],
)
def test_a_young_daemon_loses_some_faults_by_itself(parts: dict[str, Any], age_s: float, expected: bool) -> None:
    facts = converged(**parts, daemon__age_s=age_s)
    assert settling(facts, judge(facts, WISH, PINS, GOOD)) is expected


def test_without_a_daemon_nothing_settles() -> None:
    facts = converged(**unit(active="failed"), daemon=None)
    assert not settling(facts, judge(facts, WISH, PINS, GOOD))


@pytest.mark.parametrize(
    ("parts", "settled"),
    [
        ({}, True),
        ({"system": None}, False),
        ({"system__leap": 3}, False),
        ({"system__peer_associd": 0}, False),
        ({"peers": tuple(peer(number, tally="*" if number < 4 else "x") for number in range(1, 6))}, True),
        ({"peers": tuple(peer(number, tally="*" if number < 3 else "x") for number in range(1, 6))}, False),
        ({"peers": ()}, False),
    ],
)
def test_settled_means_a_system_peer_a_majority_and_no_alarm(parts: dict[str, Any], settled: bool) -> None:
    found: Billboard = changed(BOARD, **parts)
    assert found.settled is settled


def test_judging_is_pure() -> None:
    assert judge(converged(), WISH, PINS, GOOD) == judge(converged(), WISH, PINS, GOOD)

"""Judging: each fault leads to exactly the check that names it, and nothing that was not seen is called good."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard, Peer
from ntpjoin.checks.addresses import outside_addresses, service_addresses
from ntpjoin.checks.clock import setters
from ntpjoin.checks.evidence import Evidence, gather
from ntpjoin.checks.settle import steady
from ntpjoin.checks.verify import judge, settling
from ntpjoin.facts import Directive, Facts, FileFact, Holder, JournalFacts, Setter, Unit
from ntpjoin.firewall import FirewallFacts
from ntpjoin.host import ntpconf
from ntpjoin.host.distros import ROWS
from ntpjoin.host.machine import Host
from ntpjoin.model import Asked, CheckState, Resolved, Wish
from ntpjoin.wire import dns
from tests.judged import GOOD, LEADS, OUTSIDE, judged
from tests.sample import (
    ADDRESSES,
    BOARD,
    NAMES,
    OWN4,
    OWN6,
    PINS,
    ROW,
    SYSTEM_VARS,
    WISH,
    answered,
    changed,
    converged,
    peer,
    sample,
)


def test_a_good_server_is_good_as_far_as_can_be_seen() -> None:
    checks = judge(converged(), WISH, PINS, GOOD)
    assert judged(converged()) == [OUTSIDE]
    assert [check.id for check in checks] == [
        "service.running",
        "service.enabled",
        "service.config",
        "service.file",
        "service.dhcp",
        "service.port",
        "service.listens",
        "service.version",
        "service.drift",
        "service.denied",
        "sync.peer",
        "sync.stratum",
        "sync.survivors",
        "sync.reach",
        "sync.offset",
        "sync.distance",
        "upstreams.count",
        "upstreams.followed",
        "upstreams.pins",
        "upstreams.pool",
        "config.smear",
        "leapfile",
        "answers.ipv4",
        "answers.ipv6",
        "answers.static",
        "closed.ipv4",
        "closed.ipv6",
        "access.serve",
        "access.noquery",
        "access.nomodify",
        "access.limited",
        "load.conntrack",
        "clock.setters",
        "firewall",
        "host.virtual",
        "outside",
    ]
    assert Counter(check.state for check in checks) == {CheckState.OK: len(checks) - 1, CheckState.UNKNOWN: 1}


def test_the_main_file_is_taken_apart_once_for_all_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (
        b"# another one than in any other test\n" + (converged().files[ROW.config] or FileFact(b"", 0, "")).content
    )
    facts = converged(files={**converged().files, ROW.config: FileFact(content, 0o644, "root:root", ours=True)})
    taken, directives = [], ntpconf.directives

    def take(path: str, text: str) -> tuple[Directive, ...]:
        taken.append(path)
        return directives(path, text)

    monkeypatch.setattr(ntpconf, "directives", take)
    assert judged(facts) == [OUTSIDE]
    assert taken == [ROW.config]


def test_a_young_daemon_may_not_have_asked_all_its_sources_yet() -> None:
    """After it has stepped the clock they are cleared, and each has its own time to be asked again."""
    late = {**peers((2, {"tally": " ", "reach": 0})), "daemon__age_s": 20.0}
    assert judged(converged(**late)) == [OUTSIDE]
    daemon = converged(**late).daemon
    assert daemon is not None
    assert daemon.silent == ()
    assert replace(daemon, age_s=300.0).silent == (BOARD.peers[1].address,)


def unit(**changes: Any) -> dict[str, Any]:
    return {"units": {ROW.unit: replace(converged().unit(ROW.unit), **changes)}}


def defaults(content: bytes) -> dict[str, Any]:
    return {"files": {**converged().files, "/etc/default/ntpsec": FileFact(content, 0o644, "root:root")}}


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
        pytest.param(defaults(b"IGNORE_DHCP=no\n"), [("service.dhcp", "warn")], id="DHCP may"),
        pytest.param({"files": {}}, [("service.file", "warn"), ("service.dhcp", "warn")], id="no files"),
        pytest.param({**defaults(b'IGNORE_DHCP=""\n'), "dhcp_config": True}, [("service.dhcp", "fail")], id="DHCP did"),
        pytest.param({"dhcp_config": True}, [], id="DHCP did, and is ignored"),
        pytest.param({"holders": (Holder(9, "ntpd", "0.0.0.0"),)}, [("service.port", "fail")], id="another holder"),
        pytest.param({"holders": ()}, [("service.port", "fail")], id="no port"),
        pytest.param({"holders": None}, [("service.port", "unknown")], id="not root"),
        pytest.param(board(system__peer_associd=0), [("sync.peer", "fail")], id="no system peer"),
        pytest.param(board(system__leap=3), [("sync.peer", "fail")], id="leap 3"),
        pytest.param(board(system__stratum=6), [("sync.stratum", "warn")], id="stratum 6"),
        pytest.param(board(system__stratum=8), [("sync.stratum", "fail")], id="stratum 8"),
        pytest.param(board(system__stratum=16), [("sync.stratum", "fail")], id="stratum 16"),
        pytest.param(board(system__stratum=1), [], id="stratum 1"),
        pytest.param(board(system__stratum=5), [], id="stratum 5"),
        pytest.param(peers((2, {"tally": "x"})), [("upstreams.falseticker", "warn")], id="falseticker"),
        pytest.param(peers((2, {"tally": " ", "reach": 0})), [("upstreams.silent", "warn")], id="silent"),
        pytest.param(
            peers((2, {"tally": "x"}), (3, {"tally": "x"}), (4, {"tally": "x"})),
            [("sync.survivors", "fail"), *[("upstreams.falseticker", "warn")] * 3],
            id="too few agree",
        ),
        pytest.param(peers((2, {"tally": "-"}), (3, {"tally": "-"})), [], id="enough agree"),
        pytest.param(peers((2, {"tally": "#"}), (3, {"tally": "o"})), [], id="backups and a PPS source agree"),
        pytest.param(
            {"firewall__admits": {"IPv4": True, "IPv6": False}}, [("firewall", "fail")], id="ufw shut for IPv6"
        ),
        pytest.param({"firewall__admits": {"IPv4": True}, "firewall__families": ("IPv4",)}, [], id="no IPv6 here"),
        pytest.param(
            {"firewall__families": ("IPv4",), "firewall__closed": ("IPv6",)},
            [("firewall", "warn")],
            id="ufw without IPv6",
        ),
        pytest.param(
            {"firewall__families": (), "firewall__closed": ("IPv6",)}, [("firewall", "fail")], id="IPv6 only, and shut"
        ),
        pytest.param({"firewall__manager": "firewalld"}, [], id="firewalld"),
        pytest.param(
            {"firewall__manager": "firewalld", "firewall__lasts": {"IPv4": True, "IPv6": False}},
            [("firewall", "fail")],
            id="firewalld until a reload",
        ),
        pytest.param({"firewall__manager": "nftables"}, [], id="own rules"),
        pytest.param(
            {"firewall__manager": "iptables", "firewall__admits": {"IPv4": True, "IPv6": None}},
            [("firewall", "unknown")],
            id="own rules that could not be judged",
        ),
        pytest.param({"firewall__limit": "its rule"}, [("firewall", "warn")], id="only so many"),
        pytest.param({"firewall__manager": "unknown"}, [("firewall", "unknown")], id="firewall not seen"),
        pytest.param({"firewall__manager": "none"}, [], id="no firewall"),
    ],
)
def test_one_fault_one_check(parts: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    end = [] if "system__row" in parts else [OUTSIDE]
    assert judged(converged(**parts)) == [*faults, *end]


def firewall(**parts: Any) -> list[tuple[str, str]]:
    facts = converged(firewall=replace(FirewallFacts(), **parts))
    return [(one.text, one.remedy) for one in judge(facts, WISH, PINS, GOOD) if one.id == "firewall"]


def test_a_firewall_is_told_with_what_decides_and_what_to_type() -> None:
    assert firewall(manager="none") == [("no firewall on this host", "")]
    assert firewall(manager="unknown", problem="nft went", remedy=("sudo ntpjoin verify",)) == [
        ("the firewall could not be seen: nft went", "sudo ntpjoin verify")
    ]
    shut = {"admits": {"IPv4": False}, "families": ("IPv4",), "why": {"IPv4": "its rule 5"}}
    assert firewall(manager="ufw", **shut, opens=("IPv4",)) == [
        ("ufw does not let UDP 123 in over IPv4: its rule 5", "ntpjoin firewall")
    ]
    assert firewall(manager="ufw", **shut, remedy=("ufw x", "ufw y")) == [
        ("ufw does not let UDP 123 in over IPv4: its rule 5", "ufw x; ufw y")
    ]
    [(text, remedy)] = firewall(manager="nftables", **{**shut, "admits": {"IPv4": None}}, remedy=("nft x",))
    assert text == "whether nftables lets UDP 123 in over IPv4 could not be told: its rule 5"
    assert remedy == "nft x; keep it where your rules come from, too, or it is gone after a reboot"
    assert firewall(manager="iptables", **shut)[0][1] == "let UDP 123 in by hand"
    assert firewall(manager="ufw", admits={"IPv4": True, "IPv6": True}) == [
        ("ufw lets UDP 123 in over IPv4 and IPv6", "")
    ]


def test_ipv6_that_is_kept_out_as_a_whole_and_a_limit_are_warned_of() -> None:
    closed = firewall(manager="ufw", admits={"IPv4": True, "IPv6": False}, families=("IPv4",), closed=("IPv6",))
    assert [text for text, _ in closed] == [
        "ufw keeps out all IPv6 (IPV6=no in /etc/default/ufw): nobody can ask this host over it",
        "ufw lets UDP 123 in over IPv4",
    ]
    assert "ufw reload" in closed[0][1]
    both = {"IPv4": True, "IPv6": True}
    assert firewall(manager="ufw", admits=both, limit="its rule 5", remedy=("ufw x",)) == [
        ("ufw lets in only so many queries at a time: its rule 5", "ufw x")
    ]


def test_a_daemon_that_does_not_run() -> None:
    facts = converged(**unit(active="failed"), daemon=None, holders=())
    silent = Evidence({OWN4: Asked(OWN4, problem="no answer")}, {OWN4: ()}, LEADS)
    assert judged(facts, silent) == [("service.running", "fail"), OUTSIDE]


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


def test_a_daemon_that_is_held_back_is_not_to_be_started_by_hand() -> None:
    held = Unit(ROW.unit, "loaded", "enabled", held=True)
    [first, *_] = judge(converged(units={ROW.unit: held}, daemon=None), WISH, PINS, GOOD)
    assert (first.id, first.state, first.remedy) == ("service.running", CheckState.FAIL, "ntpjoin setup")
    assert "held back" in first.text


def test_a_journal_that_cannot_be_read_is_told_with_what_to_do() -> None:
    facts = converged(journal=JournalFacts(problem="the page is gone", remedy="restore it"))
    first = judge(facts, WISH, PINS, GOOD)[0]
    assert (first.id, first.state.value, first.remedy) == ("journal", "unknown", "restore it")
    assert "the page is gone" in first.text
    nobody = replace(GOOD, answers={}, tells={})
    assert judged(facts, nobody, Wish()) == [("journal", "unknown"), OUTSIDE]


def test_without_root_what_is_remembered_is_unknown_and_what_hangs_on_it_too() -> None:
    unseen = converged(journal=JournalFacts(unseen=True))
    assert judged(unseen) == [("remembered", "unknown"), OUTSIDE]
    nobody = replace(GOOD, answers={}, tells={})
    found = [check for check in judge(unseen, Wish(), (), nobody) if check.id == "answers.address"]
    assert [(check.state, check.remedy) for check in found] == [(CheckState.UNKNOWN, "sudo ntpjoin verify")]
    assert ("answers.address", "warn") in judged(converged(), nobody, Wish())


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
    facts = converged(**board(peers=(), system__peer_associd=0))
    assert judged(facts) == [("sync.peer", "fail"), OUTSIDE]


@pytest.mark.parametrize(
    ("evidence", "faults"),
    [
        pytest.param(replace(GOOD, tells={OWN4: (), OWN6: (6,)}), [("closed.ipv6", "fail")], id="open on IPv6 only"),
        pytest.param(replace(GOOD, tells={OWN4: (6,), OWN6: (6,)}), [("closed.ipv4", "fail"), ("closed.ipv6", "fail")], id="open"),
        pytest.param(replace(GOOD, tells={OWN4: None, OWN6: ()}), [("closed.ipv4", "unknown")], id="could not ask"),
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
    assert found[-1].remedy == f"on another machine: ntpjoin probe 198.51.100.77 {OWN6} --mine --allow-private"
    behind_nat = converged(addresses=("10.0.0.7", "2600::7"))
    assert outside_addresses(behind_nat, Wish(public_addresses=("198.51.100.77",))) == ("198.51.100.77", "2600::7")
    both = Wish(public_addresses=("198.51.100.77", "2001:db8:77::7"))
    assert outside_addresses(behind_nat, both) == both.public_addresses


def test_without_pins_nothing_is_said_of_them() -> None:
    assert not [check for check in judge(converged(), Wish(), (), GOOD) if check.id == "upstreams.pins"]


def test_private_addresses_serve_nobody_unless_the_operator_says_so() -> None:
    facts = converged(addresses=("10.0.0.1", "192.0.2.1", "fd00::1", "9.9.9.9", "2a00:1450::1"))
    assert service_addresses(facts, Wish()) == ("9.9.9.9", "2a00:1450::1")
    assert service_addresses(facts, Wish(allow_private=True)) == facts.addresses


def test_behind_nat_the_private_addresses_of_the_declared_family_are_asked() -> None:
    facts = converged(addresses=("10.0.0.1", "fd00::1"))
    assert service_addresses(facts, Wish(public_addresses=("198.51.100.77",))) == ("10.0.0.1",)
    beside = converged(addresses=("10.0.0.1", "9.9.9.9"))
    assert service_addresses(beside, Wish(public_addresses=("198.51.100.77",))) == ("9.9.9.9",)


@pytest.mark.parametrize(
    ("parts", "age_s", "expected"),
    [
        ({}, 10.0, False),
        (board(system__peer_associd=0), 10.0, True),
        (board(system__peer_associd=0), 299.0, True),
        (board(system__peer_associd=0), 300.0, False),
        ({**board(system__peer_associd=0), "holders": ()}, 10.0, False),
        ({"firewall__admits": {"IPv4": False, "IPv6": False}}, 10.0, False),
        (board(system__stratum=6), 10.0, False),
    ],
)
def test_a_young_daemon_loses_some_faults_by_itself(parts: dict[str, Any], age_s: float, expected: bool) -> None:
    facts = converged(**parts, daemon__age_s=age_s)
    assert settling(facts, judge(facts, WISH, PINS, GOOD)) is expected


NO_ANSWER = Evidence({OWN4: Asked(OWN4, problem="no answer")}, {OWN4: ()}, LEADS)


@pytest.mark.parametrize(
    ("line", "parts", "evidence"),
    [
        ("restrict default noserve", {}, NO_ANSWER),
        ("disable ntp", {}, GOOD),
        ("tos minsane 9", {"daemon__board__minsane": 9}, GOOD),
        ("interface ignore all", {"holders": (Holder(812, "ntpd", "127.0.0.1"),)}, NO_ANSWER),
    ],
)
def test_what_a_line_is_to_blame_for_no_waiting_helps(line: str, parts: dict[str, Any], evidence: Evidence) -> None:
    blamed = converged(daemon__age_s=100.0, directives=(Directive(ROW.include, 1, tuple(line.split())),), **parts)
    assert not settling(blamed, judge(blamed, WISH, PINS, evidence))
    alone = converged(daemon__age_s=100.0, **parts)
    passing = any(one.state is CheckState.FAIL for one in judge(alone, WISH, PINS, evidence))
    assert settling(alone, judge(alone, WISH, PINS, evidence)) is passing


@pytest.mark.parametrize(("offset_ms", "is_steady"), [(49.9, True), (-50.0, False), (120.0, False), (None, True)])
def test_a_clock_that_is_being_slewed_is_not_steady_yet(offset_ms: Optional[float], is_steady: bool) -> None:
    system = replace(SYSTEM_VARS, offset_ms=offset_ms)
    assert steady(replace(BOARD, system=system)) is is_steady
    assert not steady(replace(BOARD, system=replace(system, leap=3)))


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


# --- sources of the operator's own


def with_peers(*more: Peer, minsane: Optional[int] = None, **system: Any) -> Facts:
    made = Billboard(replace(SYSTEM_VARS, **system), (*BOARD.peers, *more), minsane)
    facts: Facts = converged(daemon__board=made)
    return facts


GPS = peer(1, associd=6, tally="o", address="127.127.28.0", refid="GPS", stratum=0, source="SHM(0)")
LOCAL = peer(1, associd=7, tally="+", address="127.127.1.0", refid="LOCL", stratum=5, source="LOCAL(0)")
NAMELESS = peer(1, associd=8, tally=" ", address="0.0.0.0", refid="POOL", stratum=16, reach=0, source="pool.example")


def test_a_reference_clock_is_a_source_like_others() -> None:
    facts = with_peers(GPS, peer_associd=6, stratum=1)
    assert judged(facts) == [OUTSIDE]
    told = {check.id: check.text for check in judge(facts, WISH, PINS, GOOD)}
    assert told["sync.peer"].startswith("synchronised to SHM(0): stratum 1")
    assert told["sync.survivors"] == "6 of 6 sources agree"
    assert facts.daemon is not None
    assert facts.daemon.board.settled


def test_one_that_gives_no_time_is_told_by_its_name() -> None:
    [check] = [
        one
        for one in judge(with_peers(replace(GPS, reach=0, tally=" ")), WISH, PINS, GOOD)
        if one.state is CheckState.WARN
    ]
    assert (check.id, check.text) == ("upstreams.silent", "SHM(0) (127.127.28.0) gives no time")
    assert "--survey" not in check.remedy


def test_the_local_clock_is_no_source_and_warned_of() -> None:
    facts = with_peers(LOCAL)
    assert judged(facts) == [("upstreams.local", "warn"), OUTSIDE]
    told = {check.id: check.text for check in judge(facts, WISH, PINS, GOOD)}
    assert told["sync.survivors"] == "5 of 5 sources agree"


def test_a_daemon_that_follows_it_is_not_synchronised() -> None:
    facts = with_peers(replace(LOCAL, tally="*"), peer_associd=7, stratum=6)
    assert ("sync.peer", "fail") in judged(facts)
    assert facts.daemon is not None
    assert not facts.daemon.board.settled


def test_a_name_without_an_address_is_no_source() -> None:
    assert judged(with_peers(NAMELESS)) == [OUTSIDE]
    unresolved = replace(NAMELESS, refid="DNS", source="time.example")
    assert judged(with_peers(unresolved)) == [("upstreams.silent", "warn"), OUTSIDE]


@pytest.mark.parametrize(
    ("minsane", "tallies", "good"),
    [
        (None, "*++--", True),
        (None, "*+x-x", True),
        (None, "*+xxx", False),
        (None, "*++ ~~~~", True),
        (1, "*++----", True),
        (1, "o*+---", True),
        (2, "*+xxx", True),
        (3, "*+---", False),
        (4, "*++x-", False),
    ],
)
def test_as_many_must_agree_as_the_configuration_says(minsane: Optional[int], tallies: str, good: bool) -> None:
    """`-` agrees, and is left out as there are enough; `~` stands for one that is watched only (noselect)."""
    changes: dict[str, dict[str, Any]] = {"~": {"tally": " ", "flash": 0x1000}}
    peers = (
        replace(peer(1), associd=n, address=f"192.0.2.{n}", **changes.get(tally, {"tally": tally}))
        for n, tally in enumerate(tallies, 1)
    )
    board = Billboard(SYSTEM_VARS, tuple(peers), minsane)
    assert board.settled is good
    assert (("sync.survivors", "fail") not in judged(converged(daemon__board=board))) is good
    [told] = [one for one in judge(converged(daemon__board=board), WISH, PINS, GOOD) if one.id == "sync.survivors"]
    assert told.text.startswith(f"{board.survivors} of {len(tallies) - tallies.count('~')} sources agree")


# --- a daemon that does not tell of itself

SILENT = Evidence(answered(OWN4, OWN6), {OWN4: (), OWN6: ()}, LEADS)


def untold(**parts: Any) -> tuple[str, str]:
    facts = converged(daemon__board=Billboard(), **parts)
    [check] = [one for one in judge(facts, WISH, PINS, SILENT) if one.id == "sync.peer"]
    return check.state.value, check.text


def test_the_line_that_keeps_it_silent_is_named() -> None:
    state, text = untold(directives=(Directive("/etc/ntpsec/ntp.d/x.conf", 3, ("restrict", "127.0.0.1", "ignore")),))
    assert state == "unknown"
    assert "/etc/ntpsec/ntp.d/x.conf:3: restrict 127.0.0.1 ignore" in text


def test_without_such_a_line_it_is_not_blamed() -> None:
    assert untold() == (
        "unknown",
        "ntpd (process 812, it reads /etc/ntpsec/ntp.conf) does not tell of itself on the loopback address",
    )


def test_what_is_no_ntpd_is_told_of_the_service_and_nothing_of_its_clock() -> None:
    for facts in (converged(daemon=None), converged(daemon__board=Billboard(), daemon__pid=900)):
        checks = judge(facts, WISH, PINS, SILENT)
        assert ("service.config", CheckState.FAIL) in [(check.id, check.state) for check in checks]
        assert not any(check.id.startswith("sync.") for check in checks)


def test_an_ntpd_that_is_nobodys_unit_is_told_of_the_service_alone() -> None:
    """As one of a container, which is silent here; there may be no unit to start again."""
    facts = converged(units={}, holders=(), daemon__board=Billboard())
    checks = judge(facts, WISH, PINS, SILENT)
    assert ("service.running", CheckState.FAIL) in [(check.id, check.state) for check in checks]
    assert not any(check.id.startswith("sync.") for check in checks)


def test_another_process_that_is_ntpd_does_not_count_as_the_unit() -> None:
    assert ("service.config", "fail") in judged(converged(daemon__pid=900))


# --- the file, and others that set the clock


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"ours": False, "stock": True}, "fail"), ({"ours": False}, "warn"), ({"ours": False, "unseen": True}, "")],
)
def test_a_file_that_is_no_longer_ours_is_told(changes: dict[str, Any], state: str) -> None:
    config = converged().files[ROW.config]
    assert config is not None
    facts = converged(files={**converged().files, ROW.config: replace(config, **changes)})
    assert [one for one in judged(facts) if one[0] == "service.file"] == ([("service.file", state)] if state else [])


def test_a_link_in_place_of_the_file_is_not_called_an_edit() -> None:
    files = {**converged().files, ROW.config: FileFact(b"", 0, "", plain=False)}
    [found] = [one for one in judge(converged(files=files), WISH, PINS, GOOD) if one.id == "service.file"]
    assert (found.state.value, "edited" in found.text, "ls -l" in found.remedy) == ("warn", False, True)


def test_where_nothing_was_written_nothing_is_said_of_the_file() -> None:
    assert not any(check.id == "service.file" for check in judge(converged(journal__written={}), WISH, PINS, GOOD))


def test_everything_else_that_sets_the_clock_is_named() -> None:
    chrony = Unit("chrony.service", "loaded", "enabled", "active")
    facts = converged(
        setters=(Setter("phc2sys", "process 77", "stop it"),), units={**converged().units, "chrony.service": chrony}
    )
    found = [check for check in judge(facts, WISH, PINS, GOOD) if check.id == "clock.setters"]
    assert [(check.state.value, check.text, check.remedy) for check in found] == [
        ("warn", "chrony (chrony.service runs) sets this clock, too", "systemctl disable --now chrony.service"),
        ("warn", "phc2sys (process 77) sets this clock, too", "stop it"),
    ]
    told_not_to = replace(chrony, pid=77)
    units = {**converged().units, "chrony.service": told_not_to}
    assert ("clock.setters", "warn") not in judged(converged(units=units, harmless=frozenset({77})))
    [unseen] = [one for one in judge(converged(system__root=False), WISH, PINS, GOOD) if one.id == "clock.setters"]
    assert unseen.state.value == "unknown"


def test_names_that_were_asked_a_moment_ago_are_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(names: list[str]) -> tuple[Resolved, ...]:
        asked.extend(names)
        return tuple(Resolved(name, addresses=("192.0.2.9",)) for name in names)

    monkeypatch.setattr(dns, "resolve", resolve)
    known = {PINS[0].name: (PINS[0].address,)}
    found = gather(Host(), Facts(system=converged().system), WISH, PINS, known)
    assert asked == [pin.name for pin in PINS[1:]]
    assert found.leads == {**dict.fromkeys(asked, ("192.0.2.9",)), **known}


def test_after_an_upgrade_of_the_distribution_the_file_that_is_no_longer_read_is_told() -> None:
    """Debian 11's ntpd read another file than Debian 12's."""
    before = converged(journal=replace(converged().journal, written={"/etc/ntp.conf": ("server 192.0.2.1\n",)}))
    found = [check for check in judge(before, WISH, PINS, GOOD) if check.id == "service.file"]
    assert [(check.state.value, check.remedy) for check in found] == [("fail", "ntpjoin setup")]
    assert "ntpd reads /etc/ntpsec/ntp.conf now; /etc/ntp.conf, which was written, is no longer read" in found[0].text


def test_a_rival_that_stays_installed_is_told_also_where_it_only_starts_at_boot() -> None:
    """As chrony on Enterprise Linux, which somebody has enabled again."""
    row = next(row for row in ROWS if row.name == "el-9")
    units = {
        "chronyd.service": Unit("chronyd.service", "loaded", "enabled", "inactive"),
        "systemd-timesyncd.service": Unit("systemd-timesyncd.service", "loaded", "disabled", "active"),
        "openntpd.service": Unit("openntpd.service", "loaded", "disabled"),
    }
    found = list(setters(converged(units=units), row))
    assert [(check.text, check.remedy) for check in found] == [
        (
            "chrony (chronyd.service starts at boot) sets this clock, too",
            "systemctl disable --now chronyd.service",
        ),
        (
            "systemd-timesyncd (systemd-timesyncd.service runs) sets this clock, too",
            "systemctl disable --now systemd-timesyncd.service",
        ),
    ]

"""NTP out of connection tracking: our table as the kernel has it, and what becomes of clients where it is loaded."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ntpjoin.firewall import Untracked
from ntpjoin.host.netfilter import nft
from ntpjoin.host.netfilter.notrack import (
    FROM_123,
    FROM_ABOVE,
    TABLE,
    is_untracked,
    masquerades,
    with_table,
    without_table,
)
from ntpjoin.host.netfilter.rules import Ruleset
from ntpjoin.host.netfilter.verdict import judge, judge_all
from ntpjoin.look.firewall import look_firewall
from ntpjoin.look.seen import see
from ntpjoin.look.untracked import look_untracked
from ntpjoin.model import Family
from ntpjoin.provision.render import notrack_unit
from tests.rulesets import ALL, FAMILIES, MANAGED, Case, Managed
from tests.test_host_netfilter import query, read
from tests.test_look_firewall import Told, managed_host

GOLDEN = Path(__file__).parent / "golden" / "notrack"
ANSWERS: dict[str, dict[Family, list[bool]]] = json.loads((GOLDEN / "answers.json").read_text())
OURS = {name: (GOLDEN / f"{name}.json").read_text() for name in ("all", "masquerade")}


def loaded(name: str = "all") -> Ruleset:
    return nft.parse(OURS[name])


def test_what_passes_tracked_and_untracked_passes_where_the_clients_port_decides_that() -> None:
    """A packet is tracked or is not: a rule for what is `INVALID` or `ESTABLISHED` does not meet something in between."""
    tried = 0
    for case in ALL:
        rules, both = read(case), Ruleset({**read(case).chains, **loaded("masquerade").chains})
        for family in FAMILIES:
            asked = [query(family)]
            if judge_all(rules, asked).free and judge_all(with_table(rules), asked).free:
                assert judge_all(both, asked).passes is True, (str(case), family)
                tried += 1
    assert tried > 20


def test_where_only_what_is_tracked_passes_the_clients_port_decides() -> None:
    """From 123 it is tracked, where hosts behind this one ask by its address; by such rules nothing else gets in."""
    told = []
    for case in ALL:
        rules, both = read(case), Ruleset({**read(case).chains, **loaded("masquerade").chains})
        for family in FAMILIES:
            asked = [query(family)]
            if judge_all(rules, asked).free and judge_all(with_table(rules), asked).passes is False:
                told.append(judge_all(both, asked))
    assert told
    assert {verdict.passes for verdict in told} == {None}
    assert all(verdict.why.endswith("it depends on the client's port") for verdict in told)


# --- the table itself


def test_the_table_that_is_reckoned_with_is_the_one_that_is_loaded() -> None:
    real, ours = loaded(), with_table(Ruleset())
    assert set(real.chains) == set(ours.chains)
    for key, chain in ours.chains.items():
        there = real.chains[key]
        assert (there.hook, there.priority, there.policy, there.kind) == (
            chain.hook,
            chain.priority,
            "accept",
            "filter",
        )
        [rule], [mine] = there.rules, chain.rules
        assert (rule.action, rule.sets) == (mine.action, mine.sets)
        assert set(rule.conditions) | {mine.conditions[1]} == set(mine.conditions), (
            "nft does not list `udp` beside its port"
        )


@pytest.mark.parametrize("masks", [False, True])
def test_the_unit_that_loads_it(masks: bool) -> None:
    text = notrack_unit("/usr/sbin/nft", masquerades=masks)
    assert text == (GOLDEN / f"ntpjoin-notrack{'-masquerade' if masks else ''}.service").read_text()
    # As systemd reads it: a line goes on behind a backslash.
    said = re.findall(
        r'^(ExecStart|ExecReload|ExecStop)=(?:-?)/usr/sbin/nft "(.*)"$', text.replace("\\\n", " "), re.MULTILINE
    )
    [start, reload, stop] = [command for _, command in said]
    assert start == reload
    assert start.count("notrack") == 2
    assert ("sport != 123" in start) is masks
    assert stop == f"delete table inet {TABLE}"


@pytest.mark.parametrize("family", FAMILIES)
def test_whom_it_keeps_out(family: Family) -> None:
    queries = [query(family)]
    assert not is_untracked(Ruleset(), queries, FROM_ABOVE)
    for name, from_123 in (("all", True), ("masquerade", False)):
        assert is_untracked(loaded(name), queries, FROM_ABOVE)
        assert is_untracked(loaded(name), queries, FROM_123) is from_123
    assert not is_untracked(loaded(), [replace(queries[0], interface="lo")], FROM_ABOVE), (
        "not what this host asks itself"
    )
    half = replace(loaded(), chains={key: chain for key, chain in loaded().chains.items() if key[3] == "prerouting"})
    assert not is_untracked(half, queries, FROM_ABOVE), "its answers are tracked"


@pytest.mark.parametrize("family", FAMILIES)
def test_who_is_dropped_later_is_not_tracked_either(family: Family) -> None:
    case = next(case for case in ALL if case.tool == "nft" and case.admits == {"IPv4": False, "IPv6": False})
    assert is_untracked(with_table(read(case)), [query(family)], FROM_ABOVE)
    assert not is_untracked(read(case), [query(family)], FROM_ABOVE)


def test_it_is_told_from_the_others() -> None:
    [case] = [case for case in ALL if str(case) == "nft-server"]
    both = with_table(read(case))
    assert len(both.chains) == len(read(case).chains) + 2
    assert set(without_table(both).chains) == set(read(case).chains)


# --- what becomes of clients


@pytest.mark.parametrize("case", ALL, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_would_become_of_clients_is_what_became_of_them(case: Case, family: Family) -> None:
    before, after = judge(read(case), query(family)), judge(with_table(read(case)), query(family))
    answered = ANSWERS[str(case)][family]
    if after.passes is True and not after.limit:
        assert answered == [True, True]
    elif after.passes is False and before.passes is True:
        assert answered == [False, False]


def test_rules_that_let_in_by_state_alone_are_among_them() -> None:
    worse = [str(case) for case in ALL if case.admits["IPv4"] is True and ANSWERS[str(case)]["IPv4"] == [False, False]]
    assert {"nft-answers-tracked", "iptables-server", "iptables-answers-tracked"} <= set(worse)


def test_where_packets_get_another_source() -> None:
    told = {str(case) for case in ALL if masquerades(read(case))}
    assert told == {"nft-nat-of-others", "iptables-docker-and-libvirt"}


# --- what is told of it


def looked(case: Managed, tmp_path: Path) -> Untracked:
    found = look_firewall(managed_host(tmp_path, case)).untracked
    assert found is not None
    return found


@pytest.mark.parametrize("case", MANAGED, ids=str)
def test_managers_let_in_what_is_not_tracked(case: Managed, tmp_path: Path) -> None:
    found = looked(case, tmp_path)
    assert set(found.out.values()) == {False}
    assert not found.masquerades
    passes = str(case) != "ufw with outgoing denied"
    assert found.passes == dict.fromkeys(FAMILIES, passes)
    assert found.remedy == (() if passes else ("ufw allow out proto udp from any port 123",))
    assert bool(found.why) is not passes


def untracked(ruleset: Ruleset, tmp_path: Path) -> Untracked:
    """Of rules that nobody manages."""
    seen = see(ruleset, [query(family) for family in FAMILIES])
    host = Told(tmp_path, {"nft -j -s list ruleset": ""})
    return look_untracked(host, seen, seen.facts())


def test_what_to_type_lets_in_what_is_not_tracked(tmp_path: Path) -> None:
    [case] = [case for case in ALL if str(case) == "nft-answers-tracked"]
    found = untracked(read(case), tmp_path)
    assert found.passes == {"IPv4": False, "IPv6": False}
    assert found.remedy == ("nft insert rule inet filter output udp sport 123 accept",)
    assert found.nft == "/usr/sbin/nft"


def test_what_is_handed_on_cannot_be_told(tmp_path: Path) -> None:
    """By address translation, which knows only what is tracked: here it would come to this host instead."""
    [case] = [case for case in ALL if str(case) == "nft-redirected"]
    found = untracked(read(case), tmp_path)
    assert found.passes == {"IPv4": None, "IPv6": None}
    assert "hands it on" in found.why["IPv4"]


def test_who_is_shut_out_anyhow_is_not_the_question(tmp_path: Path) -> None:
    case = next(case for case in ALL if case.tool == "nft" and case.admits == {"IPv4": False, "IPv6": False})
    assert untracked(read(case), tmp_path).passes == {"IPv4": True, "IPv6": True}


def test_it_is_seen_when_it_is_in_force_and_when_it_is_the_wrong_one(tmp_path: Path) -> None:
    [nat] = [case for case in ALL if str(case) == "nft-nat-of-others"]
    for name, of_others, kept, wrong in (
        ("all", False, True, False),
        ("masquerade", False, True, False),
        ("masquerade", True, True, False),
        ("all", True, False, True),
    ):
        chains = {**(read(nat).chains if of_others else {}), **loaded(name).chains}
        found = untracked(Ruleset(chains), tmp_path)
        assert (found.kept, found.wrong) == (kept, wrong), (name, of_others)
    assert not untracked(Ruleset(), tmp_path).kept
    assert not Untracked().kept


def test_rules_of_others_are_seen_through_ours(tmp_path: Path) -> None:
    """On a host that masquerades they decide, whatever ours spare."""
    [nat] = [case for case in ALL if str(case) == "nft-nat-of-others"]
    foreign = {(*key[:2], "mine", key[3]): replace(chain, table="mine") for key, chain in loaded("all").chains.items()}
    for theirs in (foreign, {key: chain for key, chain in foreign.items() if key[3] == "prerouting"}):
        for ours in ({}, loaded("masquerade").chains, loaded("all").chains):
            found = untracked(Ruleset({**read(nat).chains, **theirs, **ours}), tmp_path)
            [place] = found.theirs
            assert re.fullmatch(r"rule \d+ of chain prerouting of table inet .*", place)
            assert found.wrong
    assert untracked(Ruleset({**read(nat).chains, **loaded("all").chains}), tmp_path).theirs == ()
    spared = {
        (*key[:2], "mine", key[3]): replace(one, table="mine") for key, one in loaded("masquerade").chains.items()
    }
    found = untracked(Ruleset({**read(nat).chains, **spared}), tmp_path)
    assert (found.theirs, found.kept) == ((), True)

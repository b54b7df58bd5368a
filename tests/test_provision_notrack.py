"""NTP out of connection tracking: planned where it is wished for, refused where it would shut somebody out, and taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.checks.firewall import SPARE
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts, FileFact, JournalFacts, RunFact, Unit
from ntpjoin.firewall import Untracked
from ntpjoin.host.machine import FileState
from ntpjoin.host.notrack import FILE, UNIT
from ntpjoin.model import FAMILIES, Check, Wish
from ntpjoin.provision.changes import Change, KeepUntracked, Site, from_journal
from ntpjoin.provision.render import notrack_unit
from ntpjoin.surroundings import Tracking
from tests.conftest import Programs, Systemd
from tests.judged import GOOD
from tests.sample import PINS, WISH, changed, converged, fresh
from tests.test_provision_plan import codes, plan_for

WISHED = replace(WISH, notrack=True)
NFT = "/usr/sbin/nft"
TRACKED = Untracked(
    dict.fromkeys(FAMILIES, False), dict.fromkeys(FAMILIES, False), dict.fromkeys(FAMILIES, True), nft=NFT
)
KEPT = replace(TRACKED, out=dict.fromkeys(FAMILIES, True), from_123=dict.fromkeys(FAMILIES, True))
TEXT = notrack_unit(NFT, masquerades=False)
IN_FORCE = Unit(UNIT, "loaded", "enabled", "active", "exited")


def tracked(**parts: Any) -> Facts:
    """A server that is set up, whose clients are tracked."""
    found: Facts = changed(converged(firewall__untracked=TRACKED), **parts)
    return found


def kept(text: str = TEXT, **parts: Any) -> Facts:
    """The same with our table in force."""
    facts = converged(firewall__untracked=KEPT)
    made = replace(
        facts,
        files={**facts.files, FILE: FileFact(text.encode(), 0o644, "root:root", ours=True)},
        units={**facts.units, UNIT: IN_FORCE},
        journal=JournalFacts((RunFact(1, "done", WISHED, PINS),), {**facts.journal.written, FILE: (text,)}),
    )
    found: Facts = changed(made, **parts)
    return found


def planned(facts: Facts, wish: Wish = WISHED) -> list[Change]:
    return [change for change in plan_for(facts, wish).changes if change.kind == "notrack"]


# --- planned


def test_it_comes_last_and_is_remembered() -> None:
    plan = plan_for(tracked(), WISHED)
    assert codes(plan) == []
    assert [change.kind for change in plan.pending(tracked())] == ["notrack"]
    assert plan.remember == ("--notrack",)
    assert plan.changes[-1] == KeepUntracked(UNIT, FILE, TEXT, FAMILIES)
    assert plan.changes[-1].describe() == (
        f"keep NTP to and from this host out of connection tracking: write, enable and start {UNIT}"
    )
    assert plan.changes[-1].diff(tracked()).startswith(f"--- /dev/null\n+++ {FILE}\n")


def test_on_a_fresh_server_it_is_loaded_when_the_firewall_is_open() -> None:
    plan = plan_for(fresh(firewall__untracked=TRACKED), WISHED)
    assert codes(plan) == []
    assert [change.kind for change in plan.changes][-2:] == ["firewall", "notrack"]
    [change] = planned(fresh(firewall__untracked=TRACKED))
    assert isinstance(change, KeepUntracked)
    assert change.families == FAMILIES
    [alone] = planned(fresh(firewall__untracked=TRACKED), replace(WISHED, firewall=False))
    assert isinstance(alone, KeepUntracked)
    assert alone.families == (), "it is shut, and stays so"


def test_without_the_wish_nothing_of_it_is_planned() -> None:
    assert planned(tracked(), WISH) == []


def test_a_second_run_is_quiet() -> None:
    plan = plan_for(kept(), WISHED)
    assert (plan.pending(kept()), plan.remember, codes(plan)) == ((), (), [])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"firewall__untracked": TRACKED}, f"connections to UDP 123 are tracked, although {UNIT} runs"),
        ({"files": {FILE: None}}, "is not what it should be"),
        ({"files": {FILE: FileFact(b"edited", 0o644, "root:root")}}, "is not what it should be"),
        ({"files": {FILE: FileFact(TEXT.encode(), 0o666, "root:root")}}, "is not what it should be"),
        ({"units": {UNIT: replace(IN_FORCE, stale=True)}}, "or systemd has not read it"),
        ({"units": {UNIT: replace(IN_FORCE, enabled="disabled")}}, "or not enabled"),
        ({"units": {UNIT: replace(IN_FORCE, active="failed")}}, "is not in force"),
        (
            {"firewall__admits": {"IPv4": True, "IPv6": False}, "firewall__why": {"IPv6": "rule 7"}},
            "UDP 123 is no longer let in over IPv6: rule 7",
        ),
    ],
)
def test_what_is_not_so_is_pending_and_told(parts: dict[str, Any], why: str) -> None:
    facts = kept(**parts)
    [change] = planned(kept())
    assert not change.holds(facts)
    assert why in change.why_not(facts)


def test_a_table_whose_units_file_is_gone_is_still_ours() -> None:
    """It is in force until the next reboot, and after that it is not."""
    facts = kept()
    facts = replace(facts, files={**facts.files, FILE: None})
    assert [one.kind for one in plan_for(facts, WISHED).pending(facts)] == ["notrack"]
    assert plan_for(facts, WISH).pending(facts) == (KeepUntracked(UNIT, FILE, ""),)
    ended = replace(facts, units={**facts.units, UNIT: Unit(UNIT)})
    assert planned(ended) == planned(ended, WISH) == [], "rules of somebody else do it now"


def test_where_hosts_behind_this_one_ask_by_its_address_what_they_ask_stays_tracked() -> None:
    facts = tracked(firewall__untracked__masquerades=True)
    [change] = planned(facts)
    assert isinstance(change, KeepUntracked)
    assert change.content == notrack_unit(NFT, masquerades=True)
    assert any("this host masquerades" in note.text for note in plan_for(facts, WISHED).notes)
    # It came later: the table is another one then.
    wrong = kept(firewall__untracked__masquerades=True)
    assert [one.kind for one in plan_for(wrong, WISHED).pending(wrong)] == ["notrack"]


def test_rules_of_somebody_else_that_do_the_same_are_enough() -> None:
    facts = tracked(firewall__untracked=KEPT)
    assert planned(facts) == []
    assert any("already, by rules that are not ours" in note.text for note in plan_for(facts, WISHED).notes)
    for parts in ({"firewall__untracked__nft": ""}, {"system__init": "init scripts"}):
        assert codes(plan_for(changed(facts, **parts), WISHED)) == [], "nothing is to be loaded"
    assert codes(plan_for(kept(firewall__untracked=replace(KEPT, nft="")), WISHED)) == ["notrack"]


def test_a_rule_of_somebody_elses_that_takes_the_answers_to_others_is_named_not_tried_in_vain() -> None:
    theirs = replace(KEPT, masquerades=True, theirs=("rule 4 of chain prerouting of table inet mine",))
    [blocker] = plan_for(tracked(firewall__untracked=theirs), WISHED).blockers
    assert blocker.code == "notrack"
    assert blocker.text.endswith("that ask from port 123 for its own: rule 4 of chain prerouting of table inet mine")
    assert blocker.remedy == f"{SPARE}; or add --no-notrack"
    found = told(tracked(firewall__untracked=theirs), "load.notrack")
    assert found is not None
    assert (found.text, found.remedy) == (blocker.text, SPARE)
    text = notrack_unit(NFT, masquerades=True)
    [change] = planned(kept(text, firewall__untracked=theirs))
    assert change.why_not(kept(text, firewall__untracked=theirs)) == blocker.text
    spared = replace(theirs, theirs=(), from_123=dict.fromkeys(FAMILIES, False))
    assert codes(plan_for(tracked(firewall__untracked=spared), WISHED)) == []
    assert codes(plan_for(tracked(firewall__untracked=replace(theirs, masquerades=False)), WISHED)) == []


# --- switched off


def test_switched_off_it_goes() -> None:
    plan = plan_for(kept(), WISH)
    assert plan.remember == ("--no-notrack",)
    assert plan.pending(kept()) == (KeepUntracked(UNIT, FILE, ""),)
    [change] = plan.pending(kept())
    assert change.describe() == f"have NTP tracked again: stop, disable and remove {UNIT}"
    assert change.diff(kept()).splitlines()[:2] == [f"--- {FILE}", "+++ /dev/null"]
    gone = kept(files={**kept().files, FILE: None}, units=converged().units)
    assert change.holds(gone)
    assert plan_for(gone, WISH).pending(gone) == ()


def test_a_unit_of_somebody_elses_is_left_alone() -> None:
    facts = kept(journal=converged().journal)
    assert planned(facts, WISH) == []
    assert codes(plan_for(facts, WISHED)) == ["notrack"]


# --- what stands in its way


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"system__init": "init scripts"}, "loaded by a unit of systemd"),
        ({"firewall__untracked__nft": ""}, "needs nft"),
        ({"firewall__untracked": None, "firewall__problem": "no nft"}, "could not be seen: no nft"),
        (
            {
                "firewall__untracked__passes": {"IPv4": None, "IPv6": True},
                "firewall__untracked__why": {"IPv4": "x hands it on"},
            },
            "what becomes of UDP 123 over IPv4 cannot be told: x hands it on",
        ),
        ({"files": {FILE: FileFact(b"mine", 0o644, "root:root")}}, "ntpjoin has not written it"),
    ],
)
def test_what_blocks_it_leaves_a_way(parts: dict[str, Any], words: str) -> None:
    [blocker] = plan_for(tracked(**parts), WISHED).blockers
    assert blocker.code == "notrack"
    assert words in blocker.text
    assert "--no-notrack" in blocker.remedy or "look at it" in blocker.remedy
    assert codes(plan_for(tracked(**parts), WISH)) == []


@pytest.mark.parametrize("manager", ["ufw", "nftables"])
def test_rules_that_would_shut_somebody_out_block_with_the_rule_to_add(manager: str) -> None:
    shut = replace(
        TRACKED,
        passes={"IPv4": False, "IPv6": False},
        why=dict.fromkeys(FAMILIES, "the policy of chain input of table inet mine"),
        remedy=("nft insert rule inet mine input udp dport 123 accept",),
    )
    [blocker] = plan_for(tracked(firewall__untracked=shut, firewall__manager=manager), WISHED).blockers
    assert blocker.text == (
        "without connection tracking UDP 123 would be dropped over IPv4 and IPv6: the policy of chain input of table inet mine"
    )
    assert blocker.remedy.startswith("type: nft insert rule inet mine input udp dport 123 accept; ")
    assert ("keep it where your rules come from" in blocker.remedy) is (manager == "nftables")
    assert blocker.remedy.endswith("or add --no-notrack")


def test_without_root_that_alone_is_said() -> None:
    facts = tracked(system__root=False, firewall__untracked=None, firewall__manager="unknown")
    assert codes(plan_for(facts, WISHED)) == ["not-root"]


def test_a_link_in_the_place_of_the_unit_matters_only_where_it_is_wished_for() -> None:
    link = tracked(files={**tracked().files, FILE: FileFact(b"", 0, "", plain=False)})
    assert codes(plan_for(link, WISH)) == []
    assert "not-plain" in codes(plan_for(link, WISHED))


# --- made and taken back

OURS, GONE = KeepUntracked(UNIT, FILE, TEXT), KeepUntracked(UNIT, FILE, "")


@pytest.fixture
def bare(site: Site, systemctl: Systemd) -> Site:
    """No such unit, as systemd says of it where there is none."""
    site.host.make_folder("/etc/systemd/system")
    systemctl.set(LoadState="not-found", UnitFileState="", ActiveState="inactive")
    return site


def test_made_and_taken_back(bare: Site, systemctl: Systemd) -> None:
    before = json.loads(json.dumps(OURS.before(bare)))
    OURS.apply(bare)
    assert bare.host.text(FILE) == TEXT
    assert systemctl.get() == ("enabled", "active")
    assert systemctl.told()[:2] == ["daemon-reload", "reset-failed"]
    again = from_journal(OURS.kind, json.loads(json.dumps(OURS.fields())))
    systemctl.set(LoadState="loaded")
    for _ in range(2):
        undone = again.undo(bare, before)
        assert undone.state == "restored"
        assert not bare.host.exists(FILE)
        assert systemctl.get() == ("disabled", "inactive")


def test_ended_and_brought_back(bare: Site, systemctl: Systemd) -> None:
    OURS.apply(bare)
    systemctl.set(LoadState="loaded")
    before = json.loads(json.dumps(GONE.before(bare)))
    GONE.apply(bare)
    assert (bare.host.exists(FILE), systemctl.get()) == (False, ("disabled", "inactive"))
    undone = GONE.undo(bare, before)
    assert (undone.state, bare.host.text(FILE), systemctl.get()) == ("restored", TEXT, ("enabled", "active"))


def test_another_table_gives_way_to_the_former_one(bare: Site, systemctl: Systemd) -> None:
    OURS.apply(bare)
    systemctl.set(LoadState="loaded")
    other = replace(OURS, content=notrack_unit(NFT, masquerades=True))
    before = other.before(bare)
    other.apply(bare)
    assert systemctl.told()[-1] == "restart"
    assert other.undo(bare, before).state == "restored"
    assert bare.host.text(FILE) == TEXT
    assert systemctl.told().count("restart") == 3, "what the former one says is in force again"


def test_what_was_edited_since_is_kept_in_force(bare: Site, systemctl: Systemd) -> None:
    before = OURS.before(bare)
    OURS.apply(bare)
    bare.host.write(FILE, FileState(b"mine", 0o644, ""))
    assert OURS.undo(bare, before).state == "kept"
    assert (bare.host.text(FILE), systemctl.get()) == ("mine", ("enabled", "active"))


@pytest.mark.parametrize("known", ["loaded", "not-found"])
def test_a_unit_whose_file_somebody_has_taken_away_is_stopped(
    bare: Site, systemctl: Systemd, programs: Programs, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """Systemd that has read its units since does not know any more that this ends the table."""
    programs.says("nft", "")
    monkeypatch.setattr(bare.host, "which", lambda name: f"/usr/sbin/{name}")
    before = OURS.before(bare)
    OURS.apply(bare)
    assert programs.calls("nft") == []
    systemctl.set(LoadState=known)
    bare.host.remove(FILE)
    assert OURS.undo(bare, before).state == "restored"
    assert systemctl.get()[1] == "inactive"
    assert programs.calls("nft") == ["nft delete table inet ntpjoin"]


# --- verify


def told(facts: Facts, check: str, wish: Wish = WISHED) -> Optional[Check]:
    return next((one for one in judge(facts, wish, PINS, GOOD) if one.id == check), None)


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (KEPT, "ok", "NTP is kept out of connection tracking"),
        (TRACKED, "warn", "the table inet ntpjoin is gone"),
        (replace(KEPT, masquerades=True), "fail", "takes the answers to hosts behind it"),
        (
            replace(KEPT, masquerades=True, from_123=dict.fromkeys(FAMILIES, False)),
            "ok",
            "but for what is asked from port 123",
        ),
        (None, "unknown", "could not be seen"),
    ],
)
def test_verify_tells_whether_it_is_so_still(seen: Optional[Untracked], state: str, words: str) -> None:
    found = told(tracked(firewall__untracked=seen), "load.notrack")
    assert found is not None
    assert found.state.value == state
    assert words in found.text
    assert bool(found.remedy) is (state != "ok")
    assert told(tracked(firewall__untracked=seen), "load.notrack", WISH) is None


@pytest.mark.parametrize(
    ("file", "unit", "words"),
    [
        (True, IN_FORCE, ""),
        (False, IN_FORCE, f"{FILE} is gone"),
        (True, replace(IN_FORCE, enabled="disabled"), f"{UNIT} is not enabled"),
        (False, replace(IN_FORCE, active="inactive"), ""),  # somebody else's rules do it by now
    ],
)
def test_verify_tells_where_it_is_so_only_until_the_next_start(file: bool, unit: Unit, words: str) -> None:
    facts = kept()
    facts = replace(facts, units={**facts.units, UNIT: unit})
    if not file:
        facts = replace(facts, files={path: one for path, one in facts.files.items() if path != FILE})
    found = told(facts, "load.notrack")
    assert found is not None
    assert (found.state.value, found.remedy) == (("warn", "ntpjoin setup") if words else ("ok", ""))
    assert found.text.endswith(f", but only until this host starts again: {words}" if words else "tracking")
    assert bool(planned(facts) and not planned(facts)[0].holds(facts)) is bool(words), "setup mends it"


@pytest.mark.parametrize(
    ("parts", "recommended"),
    [
        ({}, True),
        ({"firewall__untracked": None}, False),
        ({"firewall__untracked__nft": ""}, False),
        ({"firewall__untracked": KEPT}, False),
        ({"system__init": "init scripts"}, False),
    ],
)
def test_it_is_recommended_where_it_matters_and_helps(parts: dict[str, Any], recommended: bool) -> None:
    full = tracked(surroundings__tracking=Tracking(900, 1000), **parts)
    found = told(full, "load.conntrack", WISH)
    assert found is not None
    assert found.remedy.startswith("ntpjoin setup --notrack, which does without it; or sysctl -w ") is recommended
    assert "sysctl -w net.netfilter.nf_conntrack_max=4000" in found.remedy
    calm = told(tracked(surroundings__tracking=Tracking(10, 1000), **parts), "load.conntrack", WISH)
    assert calm is not None
    assert calm.remedy == ""

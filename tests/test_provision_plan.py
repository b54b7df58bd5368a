"""Deciding is pure: the same facts, the same plan; and every reason against it is told at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.facts import Directive, Facts, FileFact, Holder, JournalFacts, PackageFacts, Pinned, RunFact, Space, Unit
from ntpjoin.firewall import Places
from ntpjoin.host.distros import ROWS
from ntpjoin.model import FAMILIES, Choice, Consent, Dropped, Pin, Wish
from ntpjoin.provision.changes import AllowPort, SetUnit
from ntpjoin.provision.firewall import rule_is_left
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.preflight import count_problem
from tests.sample import (
    NAMES,
    NTPSEC,
    PINS,
    PYTHON,
    ROW,
    TIMESYNCD,
    TIMESYNCD_UNIT,
    WISH,
    changed,
    choice,
    converged,
    fresh,
)

DEFAULTS = "/etc/default/ntpsec"


def plan_for(
    facts: Facts,
    wish: Wish = WISH,
    consent: Consent = Consent(attended=True),  # noqa: B008 - frozen
    *,
    pins: tuple[Pin, ...] = PINS,
    chosen: Optional[Choice] = None,
) -> Plan:
    return decide(facts, wish, consent, pins=pins, choice=chosen)


def codes(plan: Plan) -> list[str]:
    return [blocker.code for blocker in plan.blockers]


def texts(plan: Plan) -> list[str]:
    return [change.describe() for change in plan.changes]


# --- what is wrong with the host


HALF = {"packages__unfinished": ("ntpsec", "somebody-elses")}


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ({"spaces": (Space("/etc", False, 9), Space("/usr", True, 9))}, "read-only", "/etc cannot be written"),  # noqa: FBT003
        ({"spaces": (Space("/var/lib", True, 5 << 20),)}, "disk-full", "5 MB are free in /var/lib; 32 MB are set"),  # noqa: FBT003
        ({"units": {ROW.unit: Unit(ROW.unit, "masked", "masked")}}, "masked", "ntpsec.service is masked"),
        ({"packages__busy": "apt-get (process 7), which holds x"}, "busy", "in use by apt-get (process 7)"),
        (HALF, "half-installed", "dpkg has not finished with ntpsec, somebody-elses"),
        (HALF | {"journal__began": ("ntpsec",)}, "half-installed", "dpkg has not finished with somebody-elses"),
        ({"packages__upgrade": (Pinned("libcap2", "1"),)}, "undo", "libcap2 1 would be upgraded"),
        ({"journal__problem": "the page is gone", "journal__remedy": "type this"}, "journal", "the page is gone"),
    ],
)
def test_what_blocks_is_told_with_its_remedy(parts: dict[str, Any], code: str, words: str) -> None:
    [blocker] = plan_for(fresh(**parts), chosen=choice()).blockers
    assert blocker.code == code
    assert words in blocker.text
    assert blocker.remedy


@pytest.mark.parametrize(
    "parts",
    [
        {"spaces": (Space("/var/lib", True, 33 << 20), Space("/etc", True, 1))},  # noqa: FBT003
        HALF | {"journal__began": ("ntpsec", "somebody-elses")},
        {"packages__upgrade": (Pinned("libcap2", "1"),), "packages__kept": {"libcap2": "x", TIMESYNCD.name: "y"}},
    ],
)
def test_what_does_not_block(parts: dict[str, Any]) -> None:
    assert plan_for(fresh(**parts), chosen=choice()).blockers == ()


def test_a_converged_host_is_not_blocked_by_what_only_a_change_needs() -> None:
    full = (Space("/etc", False, 0), Space("/var/lib", True, 0))  # noqa: FBT003
    assert plan_for(converged(spaces=full, packages__unfinished=("somebody-elses",))).blockers == ()


# --- changes


def test_a_fresh_host_gets_everything_in_this_order() -> None:
    facts = fresh()
    plan = plan_for(facts, chosen=choice())
    assert plan.blockers == ()
    assert [(change.kind, change.step.value, change.object) for change in plan.changes] == [
        ("unit", "package", TIMESYNCD_UNIT),
        ("unit", "package", ROW.unit),
        ("packages", "package", "ntpsec"),
        ("config", "config", ROW.config),
        ("file", "config", ROW.include),
        ("file", "config", ROW.drift),
        ("setting", "config", "/etc/default/ntpsec"),
        ("daemon", "service", ROW.unit),
        ("firewall", "firewall", "123/udp"),
    ]
    assert texts(plan) == [
        f"stop {TIMESYNCD_UNIT}",
        f"keep {ROW.unit} from starting before it is configured",
        f"install ntpsec {NTPSEC.version} with python3-ntp; removes systemd-timesyncd {TIMESYNCD.version}",
        f"write {ROW.config} (24 lines)",
        f"create {ROW.include}, empty, for your own lines",
        f"create {ROW.drift}: 0.000, until the daemon knows better",
        "set IGNORE_DHCP=yes in /etc/default/ntpsec: DHCP shall not replace the configuration",
        f"enable and start {ROW.unit}",
        "allow 123/udp in ufw",
    ]
    assert plan.pending(facts) == plan.changes


def test_the_same_facts_give_the_same_plan() -> None:
    assert plan_for(fresh(), chosen=choice()) == plan_for(fresh(), chosen=choice())


def test_a_converged_host_has_nothing_to_do() -> None:
    facts = converged()
    plan = plan_for(facts)
    assert plan.blockers == ()
    assert plan.pending(facts) == ()
    assert [change.kind for change in plan.changes] == [
        "packages",
        "config",
        "file",
        "file",
        "setting",
        "daemon",
        "firewall",
    ]


def test_a_rival_that_does_not_run_is_not_stopped() -> None:
    idle = Unit(TIMESYNCD_UNIT, "loaded", "enabled", "inactive")
    plan = plan_for(fresh(units={TIMESYNCD_UNIT: idle}), chosen=choice())
    assert [change.object for change in plan.changes][:2] == [ROW.unit, "ntpsec"]


def test_every_rival_that_runs_is_stopped() -> None:
    units = {rival.unit: Unit(rival.unit, "loaded", "enabled", "active") for rival in ROW.rivals}
    there = {rival.package: "1" for rival in ROW.rivals}
    goes = tuple(Pinned(name, "1") for name in there)
    facts = fresh(units=units, packages__installed=there, packages__remove=goes)
    stopped = [change for change in plan_for(facts, chosen=choice()).changes if isinstance(change, SetUnit)]
    assert [(one.object, one.active, one.enabled) for one in stopped if not one.held] == [
        (rival.unit, False, None) for rival in ROW.rivals
    ]
    # What its package manager leaves there is disabled, too.
    facts = fresh(units=units, packages__remove=())
    stopped = [change for change in plan_for(facts, chosen=choice()).changes if isinstance(change, SetUnit)]
    assert [(one.object, one.active, one.enabled) for one in stopped if not one.held] == [
        (rival.unit, False, False) for rival in ROW.rivals
    ]


@pytest.mark.parametrize(
    ("parts", "pending"),
    [
        ({"packages": PackageFacts({}, install=(NTPSEC, PYTHON))}, ["unit", "packages"]),
        (
            {"files": {ROW.include: FileFact(b"", 0o644, "root:root"), ROW.drift: FileFact(b"", 0o644, "x:x")}},
            ["config", "setting", "daemon"],
        ),
        ({"files": {**converged().files, DEFAULTS: FileFact(b"IGNORE_DHCP=\n", 0o644, "root:root")}}, ["setting"]),
        ({"files": {**converged().files, ROW.drift: None}}, ["file"]),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", "running", 812, "bb")}}, ["daemon"]),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "enabled", "inactive")}}, ["daemon"]),
        ({"daemon": None}, ["daemon"]),
        ({"daemon__config": ROW.dhcp_config}, ["daemon"]),
        ({"daemon__pid": 900}, ["daemon"]),
        ({"holders": (Holder(900, "ntpd", "0.0.0.0"),)}, ["daemon"]),
        ({"holders": None}, ["daemon"]),
        ({"daemon__board__peers": ()}, ["daemon"]),
        ({"daemon__board__system": None}, ["daemon"]),
        ({"firewall__admits": {"IPv4": True, "IPv6": False}}, ["firewall"]),
        ({"firewall__admits": {"IPv4": True, "IPv6": None}}, ["firewall"]),
        ({"firewall__admits": {"IPv4": True}, "firewall__families": ("IPv4",), "firewall__opens": ("IPv4",)}, []),
        ({"journal__restart_due": True}, ["daemon"]),
    ],
)
def test_what_is_not_so_is_pending_and_nothing_else(parts: dict[str, Any], pending: list[str]) -> None:
    facts = converged(**parts)
    plan = plan_for(facts)
    assert plan.blockers == ()
    assert [change.kind for change in plan.pending(facts)] == pending


@pytest.mark.parametrize(
    "fact",
    [
        FileFact(b"server 192.0.2.1\n", 0o644, "root:root", ours=True),
        FileFact(converged().files[ROW.config].content, 0o600, "root:root", ours=True),  # type: ignore[union-attr]
        FileFact(converged().files[ROW.config].content, 0o644, "ntpsec:ntpsec", ours=True),  # type: ignore[union-attr]
    ],
    ids=["content", "mode", "owner"],
)
def test_a_configuration_that_differs_is_written_and_the_daemon_restarted(fact: FileFact) -> None:
    facts = converged(files={**converged().files, ROW.config: fact})
    plan = plan_for(facts)
    assert [change.describe() for change in plan.pending(facts)] == [
        f"write {ROW.config} (24 lines)",
        f"restart {ROW.unit}",
    ]


def test_the_operators_own_include_file_is_never_pending() -> None:
    own = FileFact(b"server 198.51.100.1\n", 0o640, "root:adm")
    facts = converged(files={**converged().files, ROW.include: own})
    assert plan_for(facts).pending(facts) == ()


def test_peers_of_the_operators_own_are_accepted_beside_ours() -> None:
    board = replace(converged().daemon.board, peers=(*converged().daemon.board.peers, replace(converged().daemon.board.peers[0], associd=9, address="198.51.100.1")))  # type: ignore[union-attr]  # fmt: skip  # noqa: E501
    facts = converged(daemon__board=board)
    assert [change.kind for change in plan_for(facts).pending(facts)] == ["daemon"]
    facts = changed(facts, directives=(Directive(ROW.include, 1, ("server", "198.51.100.1")),))
    # Six sources have a voice now, and so the majority is another one.
    assert [change.kind for change in plan_for(facts).pending(facts)] == ["config", "daemon"]
    watched = changed(facts, directives=(Directive(ROW.include, 1, ("server", "198.51.100.1", "noselect")),))
    assert plan_for(watched).pending(watched) == ()


def test_a_daemon_that_has_not_read_what_a_died_run_wrote_is_restarted() -> None:
    facts = converged(journal__restart_due=True)
    [daemon] = plan_for(facts).pending(facts)
    assert daemon.describe() == f"restart {ROW.unit}"
    assert daemon.holds(changed(facts, units={ROW.unit: replace(facts.unit(ROW.unit), invocation="cc")}))


# --- firewall


def test_without_the_firewall_no_rule_is_added() -> None:
    plan = plan_for(fresh(), replace(WISH, firewall=False), chosen=choice())
    assert "firewall" not in [change.kind for change in plan.changes]
    assert [note.text for note in plan.notes] == ["the firewall is left alone, as you asked; UDP 123 must be let in"]


@pytest.mark.parametrize(
    ("parts", "rules", "note"),
    [
        ({"firewall__manager": "none"}, 0, ""),
        ({"firewall__manager": "ufw"}, 1, ""),
        ({"firewall__families": ("IPv4",), "firewall__closed": ("IPv6",)}, 1, "ufw keeps out all IPv6 (IPV6=no"),
        ({"firewall__manager": "firewalld"}, 1, ""),
        ({"firewall__manager": "nftables", "firewall__admits": {"IPv4": True, "IPv6": True}}, 0, ""),
        ({"firewall__manager": "unknown", "firewall__problem": "x"}, 0, "the firewall could not be seen: x"),
        ({"firewall__limit": "its rule", "firewall__remedy": ("y",)}, 1, "only so many queries at a time: its rule"),
    ],
)
def test_only_a_manager_that_is_known_gets_a_rule(parts: dict[str, Any], rules: int, note: str) -> None:
    plan = plan_for(fresh(**parts), chosen=choice())
    assert [change.kind for change in plan.changes].count("firewall") == rules
    assert bool(plan.notes) == bool(note)
    assert all(note in one.text for one in plan.notes[:1])


@pytest.mark.parametrize("manager", ["ufw", "firewalld", "nftables", "iptables"])
@pytest.mark.parametrize(("seen", "verb"), [(False, "does not let"), (None, "may not let")])
def test_what_is_left_to_the_operator_is_said_with_what_to_type(manager: str, seen: Optional[bool], verb: str) -> None:
    parts = {
        "admits": {"IPv4": True, "IPv6": seen},
        "opens": ("IPv4",),
        "why": {"IPv6": "its rule 5"},
        "remedy": ("type this",),
    }
    plan = plan_for(
        fresh(**{f"firewall__{name}": value for name, value in parts.items()}, firewall__manager=manager),
        chosen=choice(),
    )
    told, typing = plan.notes
    assert told.text == f"{manager} {verb} UDP 123 in over IPv6, and is left alone: its rule 5"
    assert typing.text.startswith("to let them in, type: type this")
    assert told.warning
    assert typing.warning
    rules = [change for change in plan.changes if isinstance(change, AllowPort)]
    assert [rule.families for rule in rules] == ([("IPv4",)] if manager in ("ufw", "firewalld") else [])


def test_a_firewall_left_alone_as_asked_is_left_to_the_operator_where_it_is_known_to_be_shut() -> None:
    asked = replace(WISH, firewall=False)
    for admits, left in (({"IPv4": True}, False), ({"IPv4": None}, False), ({"IPv4": False}, True)):
        facts = converged(firewall__manager="nftables", firewall__admits=admits, firewall__families=("IPv4",))
        assert rule_is_left(facts, asked) is left
    assert rule_is_left(converged(firewall__admits={"IPv4": None}), WISH)
    assert rule_is_left(converged(firewall__manager="unknown"), WISH)
    assert not rule_is_left(converged(firewall__manager="unknown"), asked)


def test_a_rule_in_firewalld_names_its_zones() -> None:
    places = Places(("home",), ("public",), "service=ntp")
    [rule] = [
        change
        for change in plan_for(fresh(firewall__manager="firewalld", firewall__places=places), chosen=choice()).changes
        if isinstance(change, AllowPort)
    ]
    assert rule == AllowPort("firewalld", 123, FAMILIES, ("home",), ("public",), "service=ntp")
    assert rule.describe() == "allow ntp (123/udp) in firewalld's zones home and public"


# --- blockers


def foreign(text: str = "server 127.127.28.0\n# mine\nkeys /etc/ntp.keys\n", **parts: Any) -> Facts:
    return fresh(files={ROW.config: FileFact(text.encode(), 0o644, "root:root"), ROW.include: None}, **parts)


def test_a_time_daemon_of_a_unit_that_is_replaced_does_not_block() -> None:
    held = [
        Holder(80, "chronyd", "::", "chrony.service"),
        Holder(81, "ntpd", "::", ROW.unit),
        Holder(82, "openntpd", "::"),
    ]
    assert codes(plan_for(fresh(holders=tuple(held)), chosen=choice())) == []


HELD = (Holder(900, "named", "0.0.0.0"),)


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ({"system__root": False}, "not-root", "this needs root"),
        ({"system__row": None}, "system", "Debian GNU/Linux 12 (bookworm) is not supported"),
        ({"system__init": None}, "init", "neither systemd nor init scripts"),
        ({"system__may_set_clock": False, "system__container": "lxc"}, "container", "this is a container (lxc)"),
        ({"system__may_set_clock": False}, "container", "this machine may not set the clock"),
        ({"holders": HELD}, "port-123", "UDP 123 on 0.0.0.0 is held by named (process 900)"),
        (
            {"holders": (Holder(77, "ntpd", "0.0.0.0", "gps.service"), Holder(77, "ntpd", "::", "gps.service"))},
            "port-123",
            "UDP 123 on 0.0.0.0 is held by ntpd (process 77) of gps.service, which is none that setup replaces",
        ),
        (
            {"holders": (Holder(78, "chronyd", "::", "docker-1.scope"),)},
            "port-123",
            "chronyd (process 78) of docker-1.scope",
        ),
        ({"journal__problem": "the page x has schema 2"}, "journal", "the page x has schema 2"),
        ({"packages__problem": "E: no network"}, "packages", "ntpsec cannot be installed: E: no network"),
        ({"packages__remove": (Pinned("postfix", "3"),)}, "removes", "would remove postfix, none of the time daemons"),
        ({"packages__kept": {}}, "undo", "its file cannot be had, so undo could not bring it back"),
    ],
)
def test_one_reason_blocks(parts: dict[str, Any], code: str, words: str) -> None:
    plan = plan_for(fresh(**parts), chosen=choice())
    assert codes(plan) == [code]
    assert words in plan.blockers[0].text


@pytest.mark.parametrize("program", ["ntpd", "chronyd", "openntpd", "systemd-timesyncd"])
def test_a_time_daemon_on_the_port_is_taken_over(program: str) -> None:
    assert codes(plan_for(fresh(holders=(Holder(1, program, "0.0.0.0"),)), chosen=choice())) == []


def test_all_reasons_are_told_at_once() -> None:
    facts = foreign(
        system__root=False,
        system__init=None,
        system__may_set_clock=False,
        holders=HELD,
        journal__problem="corrupt",
        packages__problem="E: broken",
        packages__remove=(TIMESYNCD, Pinned("postfix", "3")),
        packages__kept={},
    )
    plan = plan_for(facts, consent=Consent(), pins=PINS[:2], chosen=choice(-7200.0, count=2))
    assert codes(plan) == [
        "not-root", "init", "container", "port-123", "journal", "packages", "undo", "removes", "config", "upstreams", "step",
    ]  # fmt: skip


def test_a_configuration_of_somebody_else_blocks_and_shows_what_would_be_lost() -> None:
    plan = plan_for(foreign(), chosen=choice())
    assert codes(plan) == ["config"]
    [blocker] = plan.blockers
    assert "    server 127.127.28.0\n    keys /etc/ntp.keys" in blocker.text
    assert "# mine" not in blocker.text
    assert "--replace" in blocker.remedy
    assert ROW.include in blocker.remedy


def test_every_line_that_is_lost_is_told_and_no_other() -> None:
    lost = [f"server 198.51.100.{number}" for number in range(1, 51)]
    same = f"restrict   127.0.0.1\ndriftfile {ROW.drift} # where else\n  restrict ::1\n"
    same += "restrict default noquery limited nomodify kod\n"
    [blocker] = plan_for(foreign(same + "\n".join(lost)), chosen=choice()).blockers
    assert blocker.text.splitlines()[1:] == [f"    {line}" for line in lost]


def test_with_replace_it_is_replaced_and_said() -> None:
    plan = plan_for(foreign(), consent=Consent(replace=True, attended=True), chosen=choice())
    assert codes(plan) == []
    [note] = plan.notes
    assert note.warning
    assert note.text.startswith(f"{ROW.config} is your own; it will be replaced, which loses:\n")
    assert "    server 127.127.28.0\n    keys /etc/ntp.keys" in note.text
    comments = plan_for(foreign("# mine\n"), consent=Consent(replace=True, attended=True), chosen=choice())
    assert [note.text for note in comments.notes] == [
        f"{ROW.config} is your own; it will be replaced, which loses no line"
    ]


@pytest.mark.parametrize(
    "fact",
    [
        FileFact(b"server x\n", 0o644, "root:root", stock=True),
        FileFact(b"server x\n", 0o644, "root:root", ours=True),
        FileFact(b" \n", 0o644, "root:root"),
    ],
    ids=["stock", "ours", "blank"],
)
def test_a_configuration_of_nobody_is_replaced_without_a_word(fact: FileFact) -> None:
    plan = plan_for(fresh(files={ROW.config: fact, ROW.include: None}), chosen=choice())
    assert codes(plan) == []
    assert plan.notes == ()


# --- what is remembered


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, ()),
        ({"firewall": False}, ("--no-firewall",)),
        ({"allow_private": False, "few": True}, ("--few", "--no-allow-private")),
        (
            {"public_addresses": ("203.0.113.9", "2001:db8::9")},
            ("--public-address 203.0.113.9 --public-address 2001:db8::9",),
        ),
        ({"upstreams": NAMES[:4]}, (" ".join(f"--upstream {name}" for name in NAMES[:4]),)),
    ],
)
def test_what_will_be_remembered_from_now_on(parts: dict[str, Any], said: tuple[str, ...]) -> None:
    assert plan_for(converged(), replace(WISH, **parts)).remember == said
    assert plan_for(fresh(), replace(WISH, **parts)).remember == ()


def test_an_address_that_is_forgotten_is_said() -> None:
    run = RunFact(1, "done", replace(WISH, public_addresses=("203.0.113.9",)), PINS)
    assert plan_for(converged(journal=JournalFacts(runs=(run,)))).remember == ("--public-address none",)


def test_what_only_root_can_read_is_named() -> None:
    plan = plan_for(fresh(journal=JournalFacts(unseen=True)), replace(WISH, upstreams=()), pins=())
    assert "only be read by root" in plan.blockers[-1].text
    assert any("only be read by root" in note.text and note.warning for note in plan.notes)


# --- upstreams

SILENT = Dropped(NAMES[3], "it does not answer")
RULED = Dropped(NAMES[4], "a name of the pool itself", rule=True)


def test_without_upstreams_there_is_nobody_to_follow() -> None:
    plan = plan_for(fresh(), replace(WISH, upstreams=()), pins=())
    assert codes(plan) == ["upstreams"]
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("count", "few", "blocked"), [(5, False, 0), (4, False, 0), (3, False, 1), (3, True, 0), (2, True, 1)]
)
def test_how_many_must_be_left(count: int, few: bool, blocked: int) -> None:
    chosen = choice(count=count, dropped=(SILENT, RULED))
    plan = plan_for(fresh(), replace(WISH, few=few), pins=PINS[:count], chosen=chosen)
    assert codes(plan) == ["upstreams"] * blocked


def test_too_few_are_told_with_each_reason() -> None:
    chosen = choice(count=3, dropped=(SILENT, RULED))
    [blocker] = plan_for(fresh(), pins=PINS[:3], chosen=chosen).blockers
    assert blocker.text == (
        "3 of 5 upstreams are left, 4 are needed:"
        f"\n    {NAMES[3]}: it does not answer\n    {NAMES[4]}: a name of the pool itself"
    )
    assert "--few" in blocker.remedy


@pytest.mark.parametrize(("count", "few"), [(2, False), (2, True)])
def test_few_is_not_offered_where_it_would_not_help(count: int, few: bool) -> None:
    [blocker] = plan_for(
        fresh(), replace(WISH, few=few), pins=PINS[:count], chosen=choice(count=count, dropped=(SILENT,))
    ).blockers
    assert "--few" not in blocker.remedy


@pytest.mark.parametrize(
    ("why", "remedy"),
    [("no DNS server answered within 5 s", "getent hosts"), ("no answer within 5 s", "may it send UDP 123?")],
)
def test_an_offline_host_is_told_what_was_tried_once(why: str, remedy: str) -> None:
    plan = plan_for(fresh(), pins=(), chosen=Choice(5, (), tuple(Dropped(name, why) for name in NAMES)))
    [blocker] = plan.blockers
    assert blocker.text == f"none of the 5 upstreams can be followed: {why}, each of them"
    assert remedy in blocker.remedy
    assert not any("is not followed" in note.text for note in plan.notes)


def test_different_reasons_are_told_with_the_names() -> None:
    dropped = (Dropped(NAMES[0], "no answer within 5 s"), Dropped(NAMES[1], "DNS said SERVFAIL"))
    [blocker] = plan_for(fresh(), pins=(), chosen=Choice(2, (), dropped)).blockers
    assert [line.strip() for line in blocker.text.splitlines()[1:]] == [f"{one.name}: {one.why}" for one in dropped]
    assert "UDP 123" in blocker.remedy


@pytest.mark.parametrize(
    ("consent", "blocked"),
    [
        (Consent(), True),
        (Consent(attended=True), False),
        (Consent(allow_step=True), False),
        (Consent(replace=True), True),
    ],
)
@pytest.mark.parametrize(
    ("offset_s", "far"),
    [(1000.1, True), (999.9, False), (-0.2, True), (-0.1, False), (0.5, False), (-7200.0, True), (None, False)],
)
def test_a_step_that_nobody_watches(consent: Consent, blocked: bool, offset_s: Optional[float], far: bool) -> None:
    plan = plan_for(fresh(), consent=consent, chosen=choice(offset_s))
    assert codes(plan) == ["step"] * (blocked and far)


@pytest.mark.parametrize(
    ("offset_s", "text", "warning"),
    [
        (7203.44, "the clock will step +7203.4 s; unattended this needs --allow-step", True),
        (-2.0, "the clock will step -2.0 s; unattended this needs --allow-step", True),
        (2.0, "the clock will step +2.0 s", False),
    ],
)
def test_a_step_is_told(offset_s: float, text: str, warning: bool) -> None:
    [note] = plan_for(fresh(), chosen=choice(offset_s)).notes
    assert (note.text, note.warning) == (text, warning)


def test_who_is_not_followed_is_told_with_the_reason() -> None:
    plan = plan_for(fresh(), pins=PINS[:4], chosen=choice(count=4, dropped=(SILENT,)))
    assert [note.text for note in plan.notes] == [f"{NAMES[3]} is not followed: it does not answer"]


@pytest.mark.parametrize(
    ("count", "few", "words"),
    [
        (0, False, ""),
        (1, False, "at least 4 upstreams are needed, 1 named"),
        (3, False, "--few allows three"),
        (3, True, ""),
        (2, True, "at least 3"),
        (4, False, ""),
        (7, False, ""),
        (8, False, "no more than 7"),
    ],
)
def test_counting_needs_no_look(count: int, few: bool, words: str) -> None:
    wish = Wish(tuple(f"ntp{number}.example.net" for number in range(count)), few)
    problem = count_problem(wish, 0)
    assert bool(problem) is bool(words)
    assert words in problem


def test_who_may_accept_private_addresses_is_told_how() -> None:
    private = tuple(Dropped(name, "a private address", rule=True, remedy="--allow-private") for name in NAMES)
    plan = plan_for(fresh(), replace(WISH, allow_private=False), pins=(), chosen=choice(chosen=(), dropped=private))
    assert plan.blockers[-1].code == "upstreams"
    assert "--allow-private" in plan.blockers[-1].remedy
    assert (
        "--allow-private"
        not in plan_for(fresh(), pins=(), chosen=choice(chosen=(), dropped=(RULED,))).blockers[-1].remedy
    )


EL_9 = next(row for row in ROWS if row.name == "el-9")
NOBODY_HAS_IT = {"install": (), "remove": (), "problem": "No match for argument: ntpsec", "missing": True}


def on_el(**packages: Any) -> Facts:
    """A fresh AlmaLinux 9: chronyd runs, and no repository has the daemon."""
    units = {"chronyd.service": Unit("chronyd.service", "loaded", "enabled", "active", "running", 300, "aa")}
    facts = fresh(system__row=EL_9, units=units, packages__kept={})
    found: Facts = changed(facts, packages=replace(facts.packages, **{**NOBODY_HAS_IT, **packages}))
    return found


def test_a_repository_that_would_have_it_is_named() -> None:
    [blocker] = [one for one in plan_for(on_el(), chosen=choice()).blockers if one.code == "packages"]
    assert blocker.text == "ntpsec cannot be installed: no repository of this system has it, EPEL does"
    assert blocker.remedy == "add --enable-epel, and EPEL is enabled as part of the plan"


def test_a_repository_is_enabled_first_and_what_stays_installed_is_disabled() -> None:
    facts = on_el(problem="", missing=False, enables=(Pinned("epel-release", "9-8.el9"),))
    plan = plan_for(facts, chosen=choice())
    assert plan.blockers == ()
    assert texts(plan)[:4] == [
        "install epel-release 9-8.el9",
        "keep ntpd.service from starting before it is configured",
        "install ntpsec from EPEL, with what it needs there",
        "stop and disable chronyd.service: it sets the clock, too",
    ]


@pytest.mark.parametrize(
    ("problem", "missing", "remedy"),
    [
        ("the package indexes cannot be had:\nE: no route", False, "apt-get update tells more"),
        ("E: Unable to locate package ntpsec", True, "apt-get update tells more"),
        ("E: this may be caused by held packages.", False, "look at: apt-get -s install ntpsec"),
    ],
)
def test_what_tells_more_of_packages_that_cannot_be_had(problem: str, missing: bool, remedy: str) -> None:
    facts = fresh(packages=PackageFacts(problem=problem, missing=missing))
    [blocker] = plan_for(facts, chosen=choice()).blockers
    assert blocker.remedy == f"mend this first; {remedy}"


def test_a_clock_that_an_apt_cannot_be_told_of_has_to_be_set_first() -> None:
    problem = "the package indexes cannot be had:\nW: ... Verifying signature: Not live until 2026-11-21T18:01:52Z"
    [blocker] = plan_for(fresh(packages=PackageFacts(problem=problem)), chosen=choice()).blockers
    assert "date -s '+SECONDS seconds'" in blocker.remedy

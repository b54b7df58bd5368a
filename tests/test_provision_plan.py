"""Deciding is pure: the same facts, the same plan; and every reason against it is told at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.facts import Facts, FileFact, Holder, PackageFacts, Pinned, Unit
from ntpjoin.model import Choice, Consent, Dropped, Pin, Wish
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
    assert [change.kind for change in plan.changes] == ["packages", "config", "file", "file", "daemon", "firewall"]


def test_a_rival_that_does_not_run_is_not_stopped() -> None:
    idle = Unit(TIMESYNCD_UNIT, "loaded", "enabled", "inactive")
    plan = plan_for(fresh(units={TIMESYNCD_UNIT: idle}), chosen=choice())
    assert [change.object for change in plan.changes][:2] == [ROW.unit, "ntpsec"]


def test_every_rival_that_runs_is_stopped() -> None:
    units = {rival.unit: Unit(rival.unit, "loaded", "enabled", "active") for rival in ROW.rivals}
    plan = plan_for(fresh(units=units), chosen=choice())
    assert [change.object for change in plan.changes][: len(units)] == [rival.unit for rival in ROW.rivals]


@pytest.mark.parametrize(
    ("parts", "pending"),
    [
        ({"packages": PackageFacts({}, install=(NTPSEC, PYTHON))}, ["unit", "packages"]),
        (
            {"files": {ROW.include: FileFact(b"", 0o644, "root:root"), ROW.drift: FileFact(b"", 0o644, "x:x")}},
            ["config", "daemon"],
        ),
        ({"files": {**converged().files, ROW.drift: None}}, ["file"]),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", "running", 812, "bb")}}, ["daemon"]),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "enabled", "inactive")}}, ["daemon"]),
        ({"daemon": None}, ["daemon"]),
        ({"daemon__config": "/run/ntp.conf.dhcp"}, ["daemon"]),
        ({"daemon__pid": 900}, ["daemon"]),
        ({"holders": (Holder(900, "ntpd", "0.0.0.0"),)}, ["daemon"]),
        ({"holders": None}, ["daemon"]),
        ({"daemon__board__peers": ()}, ["daemon"]),
        ({"daemon__board__system": None}, ["daemon"]),
        ({"firewall__admits": {"IPv4": True, "IPv6": False}}, ["firewall"]),
        ({"firewall__admits": {"IPv4": True, "IPv6": None}}, ["firewall"]),
        ({"firewall__admits": {"IPv4": True}, "firewall__families": ("IPv4",)}, []),
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
    own = FileFact(b"server 198.51.100.1\n", 0o644, "root:root")
    facts = changed(facts, files={**facts.files, ROW.include: own})
    assert plan_for(facts).pending(facts) == ()


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
        ({"firewall__families": ("IPv4",)}, 1, "IPV6=no in /etc/default/ufw"),
        ({"firewall__manager": "firewalld"}, 0, "firewalld is active; it is left alone"),
        ({"firewall__manager": "rules"}, 0, "somebody's own packet filter rules are in force"),
        ({"firewall__manager": "unknown"}, 0, "the firewall could not be seen"),
    ],
)
def test_only_a_manager_that_is_known_gets_a_rule(parts: dict[str, Any], rules: int, note: str) -> None:
    plan = plan_for(fresh(**parts), chosen=choice())
    assert [change.kind for change in plan.changes].count("firewall") == rules
    assert len(plan.notes) == bool(note)
    assert all(note in one.text for one in plan.notes)


# --- blockers


def foreign(text: str = "server 127.127.28.0\n# mine\nkeys /etc/ntp.keys\n", **parts: Any) -> Facts:
    return fresh(files={ROW.config: FileFact(text.encode(), 0o644, "root:root"), ROW.include: None}, **parts)


HELD = (Holder(900, "named", "0.0.0.0"),)


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ({"system__root": False}, "not-root", "this needs root"),
        ({"system__row": None}, "system", "Debian GNU/Linux 12 (bookworm) is not supported"),
        ({"system__systemd": False}, "systemd", "no systemd runs here"),
        ({"system__may_set_clock": False, "system__container": "lxc"}, "container", "this is a container (lxc)"),
        ({"system__may_set_clock": False}, "container", "this machine may not set the clock"),
        ({"holders": HELD}, "port-123", "UDP 123 on 0.0.0.0 is held by named (process 900)"),
        ({"journal__problem": "the page x has schema 2"}, "journal", "the page x has schema 2"),
        ({"packages__problem": "E: no network"}, "packages", "ntpsec cannot be installed: E: no network"),
        ({"packages__remove": (Pinned("postfix", "3"),)}, "removes", "would remove postfix, which is no time daemon"),
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
        system__systemd=False,
        system__may_set_clock=False,
        holders=HELD,
        journal__problem="corrupt",
        packages__problem="E: broken",
        packages__remove=(TIMESYNCD, Pinned("postfix", "3")),
        packages__kept={},
    )
    plan = plan_for(facts, consent=Consent(), pins=PINS[:2], chosen=choice(-7200.0, count=2))
    assert codes(plan) == [
        "not-root", "systemd", "container", "port-123", "journal", "packages", "undo", "removes", "config", "upstreams", "step",
    ]  # fmt: skip


def test_a_configuration_of_somebody_else_blocks_and_shows_what_would_be_lost() -> None:
    plan = plan_for(foreign(), chosen=choice())
    assert codes(plan) == ["config"]
    [blocker] = plan.blockers
    assert "    server 127.127.28.0\n    keys /etc/ntp.keys" in blocker.text
    assert "# mine" not in blocker.text
    assert "--replace" in blocker.remedy
    assert ROW.include in blocker.remedy


def test_what_is_lost_is_cut_and_the_cut_is_told() -> None:
    [blocker] = plan_for(foreign("".join(f"server 192.0.2.{n}\n" for n in range(1, 31))), chosen=choice()).blockers
    assert "server 192.0.2.20" in blocker.text
    assert "server 192.0.2.21" not in blocker.text
    assert "10 more" in blocker.text


def test_with_replace_it_is_replaced_and_said() -> None:
    plan = plan_for(foreign(), consent=Consent(replace=True, attended=True), chosen=choice())
    assert codes(plan) == []
    assert [note.text for note in plan.notes] == [f"{ROW.config} is your own; it will be replaced"]


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


def test_an_offline_host_is_told_what_was_tried() -> None:
    dropped = tuple(Dropped(name, "DNS does not answer") for name in NAMES)
    [blocker] = plan_for(fresh(), pins=(), chosen=Choice(5, (), dropped)).blockers
    assert "online" in blocker.remedy
    assert all(name in blocker.text for name in NAMES)


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
    problem = count_problem(wish)
    assert bool(problem) is bool(words)
    assert words in problem

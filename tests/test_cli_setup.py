"""`plan` and `setup` as they are typed: what is asked, what is said, and the exit code of every end."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.commands import common, setup
from ntpjoin.errors import Blocked, Interrupted, StepFailed, UsageProblem
from ntpjoin.facts import Holder, JournalFacts, Pinned, RunFact
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import manager
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.changes import InstallPackages
from tests.judged import GOOD
from tests.sample import BOARD, NAMES, PINS, WISH, changed, converged, fresh
from tests.typed import CHECKED, ENVELOPE, LEFT, PLANNED, Typed, asked, busy, undoable


@pytest.mark.parametrize("line", ["plan", "setup --dry-run"])
def test_a_plan(typed: Typed, line: str) -> None:
    typed.host(fresh())
    code, page = typed.json(line)
    assert code == 0
    assert set(page) == ENVELOPE | PLANNED
    assert page["changed"] is True
    assert {key for change in page["changes"] for key in change} == {"kind", "object", "state", "diff", "text"}
    assert {change["state"] for change in page["changes"]} == {"pending"}
    assert [change["kind"] for change in page["changes"]] == ["unit", "unit", "packages", "config", "file", "file", "setting", "daemon", "firewall"]  # fmt: skip  # noqa: E501
    assert [one["name"] for one in page["packages"]["added"]] == ["ntpsec", "python3-ntp"]
    assert [one["name"] for one in page["packages"]["removed"]] == ["systemd-timesyncd"]
    pin = {"name": NAMES[0], "address": PINS[0].address, "minpoll": 0, "iburst": True}
    assert page["upstreams"][0] == pin
    assert page["offset_ms"] == 1.0
    assert typed(line) == 0
    assert "+++ /etc/ntpsec/ntp.conf" in typed.out


def test_a_plan_with_nothing_to_do(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    code, page = typed.json("plan")
    assert (code, page["changed"], page["offset_ms"]) == (0, False, None)
    assert {change["state"] for change in page["changes"]} == {"unchanged"}
    assert page["packages"] == {"added": [], "upgraded": [], "removed": []}
    assert typed("plan") == 0
    assert "Nothing to do" in typed.out


@pytest.mark.parametrize("line", ["plan", "setup --yes"])
def test_blocked_is_3_and_nothing_was_touched(typed: Typed, line: str) -> None:
    typed.host(fresh(system__root=False), root=False)
    code, page = typed.json(line)
    assert code == 3
    assert set(page) == ENVELOPE | PLANNED
    assert page["changed"] is False
    [blocker] = page["blockers"]
    assert blocker == {"code": "not-root", "text": "this needs root", "remedy": "type the same with sudo before it"}
    assert typed(line) == 3
    assert "Nothing was touched" in typed.out


def test_beside_another_run_setup_is_blocked_before_it_looks(typed: Typed) -> None:
    typed.host(fresh())
    typed.command("locked", busy)
    code, page = typed.json("setup --yes")
    assert (code, set(page)) == (3, ENVELOPE)
    assert "another ntpjoin (process 7)" in page["errors"][0]["message"]
    assert typed("setup --yes") == 3
    assert "Nothing was changed.\n  wait until it has ended; look at: ps 7\n" in typed.err


def test_the_lock_is_held_while_a_command_works_and_dropped_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    host = Host(root=tmp_path)
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    with common.locked(host), pytest.raises(Blocked), common.locked(host):
        pass
    with common.locked(host):
        monkeypatch.setattr(Host, "is_root", lambda _: False)
        with common.locked(host):
            pass


@pytest.mark.parametrize("name", ["apt", "dnf", "pacman", "zypper"])
def test_undo_takes_nothing_back_while_somebody_else_uses_the_package_manager(typed: Typed, name: str) -> None:
    undoable(typed, "restored")
    change = InstallPackages(("ntp",), (Pinned("ntp", "1"),), (), manager=name)
    run = Run(1, "done", {}, (), (Entry(1, change.kind, change.fields(), {}, "done"),))
    typed.monkeypatch.setattr(Journal, "runs", lambda _: (run,))
    typed.monkeypatch.setattr(manager.manager(name), "busy", lambda _: f"{name} (process 7)")
    typed.monkeypatch.setattr(manager, "LOCK_S", 0)
    taken: list[object] = []
    typed.command("undo_runs", lambda *runs: taken.append(runs))
    code, page = typed.json("undo --yes")
    assert code == 3
    assert page["errors"] == [
        {
            "message": f"the package manager is in use by {name} (process 7)",
            "remedy": "wait until it has ended, then try again",
        }
    ]
    assert taken == []


@pytest.mark.parametrize("line", ["setup", "undo"])
def test_with_json_too_the_plan_is_shown_before_it_is_asked_for(typed: Typed, line: str) -> None:
    undoable(typed, "restored")
    typed.host(fresh())
    asked(typed, "n\n")
    code, _ = typed.json(line)
    assert code == 130
    assert typed.err.index("123/udp in ufw") < typed.err.index("Go ahead?")
    assert typed(line) == 130
    assert "123/udp in ufw" in typed.out
    assert "123/udp in ufw" not in typed.err


def test_setup_that_went_well(typed: Typed) -> None:
    typed.host(fresh())
    typed.applied()
    typed.command("judge", lambda *_: ())
    code, page = typed.json("setup --yes")
    assert code == 0
    assert set(page) == ENVELOPE | PLANNED | CHECKED
    assert {change["state"] for change in page["changes"]} == {"done"}
    assert page["changed"] is True
    assert typed("setup --yes") == 0
    assert "Ready to join the pool, as far as can be seen from here" in typed.out


def test_setup_that_found_nothing_to_do(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    code, page = typed.json("setup --yes")
    assert (code, page["changed"]) == (0, False)
    assert {check["id"] for check in page["checks"]} >= {"service.running", "outside"}
    assert {key for check in page["checks"] for key in check} == {"id", "state", "text", "remedy", "measure"}


def test_setup_that_is_not_synchronised_yet_is_5(typed: Typed) -> None:
    board = replace(BOARD, system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=board), chosen=False, board=board)
    assert typed.json("setup --yes --wait 1")[0] == 5
    assert typed("setup --yes --wait 1") == 5
    assert "not synchronised yet" in typed.out


def test_setup_that_only_had_to_wait_is_judged_by_what_it_waited_for(typed: Typed) -> None:
    early = replace(BOARD, system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=early), chosen=False)
    code, page = typed.json("setup --yes")
    assert (code, page["changed"], page["settled"]) == (0, False, True)
    assert not [check for check in page["checks"] if check["state"] == "fail"]


@pytest.mark.parametrize("broken", ["look_again", "settle"])
def test_an_error_after_the_last_change_takes_all_of_it_back(typed: Typed, broken: str) -> None:
    def hangs(*_: Any) -> Any:
        raise StepFailed("systemctl show did not end within 30 s")

    typed.host(fresh())
    typed.applied(None, "restored")
    taken: list[Outcome] = []

    def take_back(_: Any, outcome: Outcome) -> Outcome:
        taken.append(outcome)
        return outcome

    typed.monkeypatch.setattr(vars(setup)["Applier"], "take_back", take_back)
    typed.command(broken, hangs)
    assert typed("setup --yes") == 1
    assert "did not end within 30 s" in typed.err
    assert "Nothing was changed" not in typed.err
    assert len(taken) == 1


def test_the_next_step_names_an_address_that_others_can_ask(typed: Typed) -> None:
    addresses = ("10.0.0.5", "172.17.0.1", "1.2.3.4")
    holders = tuple(Holder(812, "ntpd", address) for address in addresses)
    typed.host(changed(converged(), addresses=addresses, holders=holders), chosen=False)
    assert typed("setup --yes") == 0
    assert "run `ntpjoin probe 1.2.3.4 --mine` on another machine" in typed.out


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"firewall__manager": "firewalld"}, 0),
        ({"firewall__manager": "nftables"}, 0),
        ({"firewall__manager": "none"}, 0),
        ({"firewall__manager": "unknown"}, 5),
        ({"firewall__manager": "nftables", **LEFT}, 5),
        ({"firewall__manager": "ufw", **LEFT}, 5),
        ({"firewall__manager": "iptables", **LEFT, "firewall__admits": {"IPv4": True, "IPv6": None}}, 5),
        ({"firewall__families": ("IPv4",), "firewall__closed": ("IPv6",)}, 0),
    ],
)
def test_a_rule_left_to_the_operator_is_5(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts), chosen=False)
    assert typed("setup --yes") == code
    assert ("UDP 123 is still to be let in, by hand.\n  next   type this" in typed.out) is ("firewall__remedy" in parts)


def test_a_rule_left_to_the_operator_does_not_hide_a_fault(typed: Typed) -> None:
    typed.host(converged(firewall__manager="nftables", **LEFT), chosen=False)
    typed.command("gather", lambda *_: replace(GOOD, tells={**GOOD.tells, "203.0.113.7": (6,)}))
    assert typed("setup --yes") == 4
    assert (
        "not ready to join the pool: closed.ipv4, firewall.\n  next   type what stands below each of them," in typed.out
    )


def test_setup_whose_last_look_finds_a_fault_is_4(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    evidence = replace(GOOD, tells={**GOOD.tells, "203.0.113.7": (6,)})
    typed.command("gather", lambda *_: evidence)
    assert typed("setup --yes") == 4
    assert (
        "Set up and kept, but not ready to join the pool: closed.ipv4.\n  next   type what stands below it,"
        in typed.out
    )
    assert "Ready to join" not in typed.out


def test_setup_whose_clock_is_still_slewed_is_5(typed: Typed) -> None:
    slewed = replace(BOARD, system=replace(BOARD.system, offset_ms=60.0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=slewed, daemon__age_s=20.0), chosen=False, board=slewed)
    assert typed("setup --yes --wait 0") == 5
    assert "Set up and kept, but still settling: sync.offset.\n  next   wait a minute" in typed.out
    assert "Ready to join" not in typed.out


@pytest.mark.parametrize(
    ("error", "states", "code"),
    [
        (StepFailed("no"), ("restored",), 1),
        (StepFailed("no"), (), 1),
        (StepFailed("no"), ("restored", "kept"), 4),
        (StepFailed("no"), ("failed",), 4),
        (Interrupted("interrupted", 2), ("restored",), 130),
        (Interrupted("asked to end", 15), ("restored",), 143),
        (Interrupted("the terminal is gone", 1), ("restored",), 143),
        (Interrupted("interrupted", 2), ("failed",), 4),
    ],
)
def test_setup_that_failed(typed: Typed, error: Exception, states: tuple[str, ...], code: int) -> None:
    typed.host(fresh())
    typed.applied(error, *states)
    found, page = typed.json("setup --yes")
    assert found == code
    assert set(page) == ENVELOPE | PLANNED | {"taken_back"}
    assert page["changed"] is (code == 4)
    assert [one["state"] for one in page["taken_back"]] == list(states)
    assert {key for one in page["taken_back"] for key in one} <= {"run", "kind", "object", "state", "text"}
    assert page["errors"][0]["message"] == str(error)
    assert typed("setup --yes") == code
    assert str(error) in typed.err


def test_upstreams_that_never_answer_ntpd_are_taken_back(typed: Typed) -> None:
    mute = replace(BOARD, peers=tuple(replace(peer, reach=0, tally=" ") for peer in BOARD.peers), system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]  # fmt: skip  # noqa: E501
    typed.host(fresh(), board=mute)
    typed.applied()
    code, page = typed.json("setup --yes --wait 30")
    assert code == 1
    assert "filters UDP 123" in page["errors"][0]["message"]
    assert typed("setup --yes --wait 29") == 5


# --- the daily check


@pytest.mark.parametrize(("option", "wished"), [("--monitor", True), ("--no-monitor", False)])
def test_a_daily_check_is_wished_for_and_switched_off(typed: Typed, option: str, wished: bool) -> None:
    typed.host(converged())
    for command in ("plan", "setup --yes --dry-run"):
        assert typed(f"{command} {option}") == 0
        assert typed.given == {"monitor": wished}
    assert typed("plan") == 0
    assert typed.given == {}


PROM = "/var/lib/prometheus/node-exporter/ntpjoin.prom"


@pytest.mark.parametrize(
    ("words", "path"), [(PROM, PROM), ("/var/lib/../lib/x/y.prom", "/var/lib/x/y.prom"), ("none", "")]
)
def test_metrics_of_the_daily_check_are_wished_for_and_switched_off(typed: Typed, words: str, path: str) -> None:
    typed.host(converged())
    for command in ("plan", "setup --yes --dry-run"):
        assert typed(f"{command} --metrics {words}") == 0
        assert typed.given == {"metrics": path}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("/var/lib/x/ntpjoin.txt", "does not end in .prom"),
        ("/tmp/ntpjoin.prom", "has a /tmp of its own"),
        ("/var/lib/../tmp/ntpjoin.prom", "has a /tmp of its own"),
        ("/srv/100%/ntpjoin.prom", "characters that mean something"),
        ("/srv/$HOME/x.prom", "characters that mean something"),
        ("", "'' is no file"),
    ],
)
def test_metrics_that_cannot_work_are_refused(typed: Typed, words: str, why: str) -> None:
    typed.host(converged())
    code, page = typed.json(f"setup --yes --metrics={words}")
    assert code == 2
    assert why in page["errors"][0]["message"]


def test_metrics_without_a_daily_check_are_refused() -> None:
    from ntpjoin.provision.wishes import merged

    with pytest.raises(UsageProblem, match="is written by the daily check, which is not wished for"):
        merged(JournalFacts(), {"metrics": PROM})
    assert merged(JournalFacts(), {"metrics": PROM, "monitor": True}).metrics == PROM
    assert merged(JournalFacts(), {"metrics": ""}).metrics == ""
    daily = JournalFacts((RunFact(1, "done", dataclasses.replace(WISH, monitor=True, metrics=PROM), PINS),))
    assert merged(daily, {"monitor": False}).metrics == PROM, "remembered for another day"
    with pytest.raises(UsageProblem, match="not wished for"):
        merged(daily, {"monitor": False, "metrics": PROM})

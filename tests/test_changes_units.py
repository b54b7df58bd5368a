"""Units and the daemon: stopped, held, started, started again, and brought back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ntpjoin.facts import Facts, Unit
from ntpjoin.provision.changes import (
    RestartDaemon,
    RunDaemon,
    SetUnit,
    Site,
)
from tests.conftest import Systemd
from tests.sample import PINS, ROW, SYSTEM, converged

STOP = SetUnit("x.service", "stop it", active=False)
HOLD = SetUnit("x.service", "hold it", held=True)


def unit_facts(site: Site) -> Facts:
    from ntpjoin.host.services import systemd

    return Facts(SYSTEM, units=systemd.show(site.host, ["x.service"]))


@pytest.mark.parametrize("enabled", ["enabled", "disabled", "static", "masked"])
def test_a_rival_is_stopped_and_brought_back(site: Site, systemctl: Systemd, enabled: str) -> None:
    systemctl.set(UnitFileState=enabled)
    before = json.loads(json.dumps(STOP.before(site)))
    assert not STOP.holds(unit_facts(site))
    STOP.apply(site)
    assert STOP.holds(unit_facts(site))
    undone = STOP.undo(site, before)
    assert (undone.state, systemctl.get()) == ("restored", (enabled, "active"))


@pytest.mark.parametrize("enabled", ["enabled", "disabled"])
@pytest.mark.parametrize("active", ["active", "inactive"])
def test_whatever_somebody_did_to_it_all_its_states_come_back(
    site: Site, systemctl: Systemd, enabled: str, active: str
) -> None:
    systemctl.set(UnitFileState=enabled, ActiveState=active)
    before = HOLD.before(site)
    HOLD.apply(site)
    systemctl.set(
        UnitFileState="disabled" if enabled == "enabled" else "enabled",
        ActiveState="inactive" if active == "active" else "active",
    )
    assert HOLD.undo(site, before).state == "restored"
    assert systemctl.get() == (enabled, active)
    assert not HOLD.holds(unit_facts(site))


def test_a_unit_that_does_not_come_back_is_a_failure(site: Site, systemctl: Systemd) -> None:
    before = STOP.before(site)
    STOP.apply(site)
    systemctl.programs.add(
        "systemctl", f"cd {systemctl.states}; [ $1 = show ] && for f in *; do read -r v < $f; echo $f=$v; done; exit 0"
    )
    undone = STOP.undo(site, before)
    assert undone.state == "failed"
    assert "does not run, did" in undone.text


def test_a_unit_that_was_not_there_needs_only_its_hold_taken_away(site: Site, systemctl: Systemd) -> None:
    systemctl.set(LoadState="not-found", UnitFileState="", ActiveState="inactive")
    before = HOLD.before(site)
    HOLD.apply(site)
    assert HOLD.holds(unit_facts(site))
    assert HOLD.undo(site, before).state == "restored"
    assert not HOLD.holds(unit_facts(site))
    assert set(systemctl.told()) == {"daemon-reload"}


def test_of_a_unit_that_is_gone_by_now_nothing_is_held(site: Site, systemctl: Systemd) -> None:
    """As after a purge by the operator: the hold that was there before the daemon was started would stay for ever."""
    systemctl.set(ActiveState="inactive")
    HOLD.apply(site)
    daemon = RunDaemon("x.service", ROW.config, ())
    before = daemon.before(site)
    SetUnit("x.service", "", held=False).apply(site)
    systemctl.set(LoadState="not-found", UnitFileState="")
    undone = daemon.undo(site, before)
    assert (undone.state, undone.text) == ("restored", "x.service is gone, and did not run before")
    assert site.host.names("/etc/systemd/system") == ()


def test_a_unit_that_ran_and_is_gone_by_now_is_a_failure(site: Site, systemctl: Systemd) -> None:
    before = STOP.before(site)
    systemctl.set(LoadState="not-found", UnitFileState="", ActiveState="inactive")
    assert STOP.undo(site, before).state == "failed"


# --- the daemon


DAEMON = RunDaemon(ROW.unit, ROW.config, tuple(pin.address for pin in PINS))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"units": {}}, "does not run"),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", condition=False)}}, "a condition of the unit is not met"),
        (
            {"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", pid=812)}},
            "would not run after a reboot",
        ),
        ({"daemon": None}, "is not ntpd"),
        ({"daemon__pid": 3}, "is not ntpd"),
        ({"daemon__config": "/x"}, "ntpd reads /x, not /etc/ntpsec/ntp.conf"),
        ({"holders": ()}, "does not hold UDP 123"),
        ({"daemon__board__system": None}, "does not tell its peers"),
        ({"daemon__board__peers": ()}, "ntpd follows nobody, not 192.0.2.1"),
        ({}, ""),
    ],
)
def test_what_is_wrong_with_the_daemon_is_told(parts: dict[str, Any], words: str) -> None:
    facts = converged(**parts)
    assert words in DAEMON.why_not(facts)
    assert DAEMON.holds(facts) is not bool(words)


def test_a_daemon_that_would_be_held_back_after_a_reboot_is_not_set_up() -> None:
    held = Unit(ROW.unit, "loaded", "enabled", "active", "running", 812, "bb", held=True)
    assert "held back" in DAEMON.why_not(converged(units={ROW.unit: held}))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"units": {}}, "does not run"),
        ({"daemon": None}, "is not ntpd"),
        ({"daemon__config": "/x"}, "ntpd reads /x, not /etc/ntpsec/ntp.conf"),
        ({"holders": ()}, "does not hold UDP 123"),
        ({"daemon__board__peers": ()}, ""),
        ({"units": {ROW.unit: Unit(ROW.unit, "loaded", "disabled", "active", "running", 812, "bb")}}, ""),
    ],
)
def test_a_daemon_started_again_is_another_invocation_that_serves(parts: dict[str, Any], words: str) -> None:
    facts = converged(**parts)
    again = RestartDaemon(ROW.unit, ROW.config, "aa")
    assert words in again.why_not(facts)
    assert again.holds(facts) is not bool(words)
    assert "was not started again" in RestartDaemon(ROW.unit, ROW.config, "bb").why_not(converged())

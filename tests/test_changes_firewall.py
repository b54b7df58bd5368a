"""Rules in a firewall: added, and taken away where they are ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.host.programs import ENVIRONMENT
from ntpjoin.model import FAMILIES
from ntpjoin.provision.changes import (
    AllowPort,
    Site,
)
from tests.conftest import Programs
from tests.sample import fresh

HEAD = "Status: active\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n\n"
RULE4 = f"{'123/udp':<26} {'ALLOW IN':<12}Anywhere\n"
RULE6 = f"{'123/udp (v6)':<26} {'ALLOW IN':<12}Anywhere (v6)\n"
PORT = AllowPort("ufw", 123)


@pytest.fixture
def managers(site: Site, programs: Programs) -> Programs:
    """Programs that are found below the root of the site, too."""
    place = site.host.path(ENVIRONMENT["PATH"])
    place.parent.mkdir(parents=True)
    place.symlink_to(programs.folder)
    return programs


def test_a_rule_is_added_and_taken_away(site: Site, managers: Programs) -> None:
    programs = managers
    programs.says("ufw", HEAD)
    before = PORT.before(site)
    PORT.apply(site)
    programs.says("ufw", HEAD + RULE4 + RULE6)
    undone = PORT.undo(site, before)
    assert undone.state == "failed", "this ufw keeps its rule whatever it is told"
    assert "ufw delete allow 123/udp" in programs.calls()
    programs.says("ufw", HEAD)
    assert PORT.undo(site, before).state == "restored"
    assert programs.calls().count("ufw delete allow 123/udp") == 1


def test_a_rule_that_was_there_before_stays(site: Site, managers: Programs) -> None:
    managers.says("ufw", HEAD + RULE4 + RULE6)
    before = json.loads(json.dumps(PORT.before(site)))
    undone = PORT.undo(site, before)
    assert undone.state == "restored"
    assert set(managers.calls("ufw")) == {"ufw status verbose"}


def test_a_rule_by_an_applications_profile_is_another_one(site: Site, managers: Programs) -> None:
    """ufw 0.36.2: what deletes ours leaves it, and what adds ours does not change it."""
    theirs = (
        f"{'123/udp (NTP)':<26} {'ALLOW IN':<12}Anywhere\n{'123/udp (NTP (v6))':<26} {'ALLOW IN':<12}Anywhere (v6)\n"
    )
    managers.says("ufw", HEAD + theirs)
    assert PORT.before(site) == {"places": []}
    assert PORT.undo(site, {"places": []}).state == "restored"
    assert set(managers.calls("ufw")) == {"ufw status verbose"}


@pytest.mark.parametrize("before", [{"places": ["IPv4"]}, {"families": ["IPv4"]}])
def test_of_two_families_only_the_one_that_we_added_is_taken_away(
    site: Site, managers: Programs, before: dict[str, Any]
) -> None:
    managers.says("ufw", HEAD + RULE4 + RULE6)
    assert PORT.undo(site, before).state == "failed", "this ufw keeps its rule whatever it is told"
    assert managers.calls()[1] == "ufw delete allow proto udp to ::/0 port 123"


def test_a_manager_that_went_has_nothing_of_ours(site: Site, managers: Programs) -> None:
    assert PORT.undo(site, {"families": []}).state == "restored"
    assert IN_ZONES.undo(site, {"places": []}).state == "restored"
    assert managers.calls() == []


IN_ZONES = AllowPort("firewalld", 123, FAMILIES, ("work", "public"), ("public",), "service=ntp")

#: A firewall-cmd that remembers what it was told, below a folder: 'public', 'permanent-public'.
FIREWALL_CMD = """
cd {folder} || exit 9
case "$1" in --permanent) prefix=permanent-; shift;; *) prefix=;; esac
zone=${{1#--zone=}}
case "$2" in
  --query-service=ntp) if [ -e "$prefix$zone" ]; then echo yes; else echo no; exit 1; fi;;
  --add-service=ntp) : > "$prefix$zone"; echo success;;
  --remove-service=ntp) /bin/rm "$prefix$zone"; echo success;;
  *) exit 9;;
esac
"""


def test_in_zones_a_rule_is_added_in_both_and_taken_away_where_it_was_not(
    site: Site, managers: Programs, tmp_path: Path
) -> None:
    store = tmp_path / "zones"
    store.mkdir()
    managers.add("firewall-cmd", FIREWALL_CMD.format(folder=store))
    process = site.host.path("/proc/77/cmdline")
    process.parent.mkdir(parents=True)
    process.write_text("python3\0/usr/sbin/firewalld\0")
    (store / "work").touch()
    before = json.loads(json.dumps(IN_ZONES.before(site)))
    assert before == {"places": ["run-time work"]}
    IN_ZONES.apply(site)
    assert sorted(path.name for path in store.iterdir()) == ["permanent-public", "public", "work"]
    assert not [call for call in managers.calls() if "reload" in call]
    undone = IN_ZONES.undo(site, before)
    assert undone.state == "restored"
    assert [path.name for path in store.iterdir()] == ["work"]
    assert IN_ZONES.undo(site, before).state == "restored", "twice does no harm"


def test_a_rule_holds_only_while_it_lasts() -> None:
    both = {"IPv4": True, "IPv6": True}
    assert IN_ZONES.holds(fresh(firewall__admits=both))
    assert not IN_ZONES.holds(fresh(firewall__admits=both, firewall__lasts={"IPv4": True, "IPv6": False}))
    assert not IN_ZONES.holds(fresh(firewall__admits=both, firewall__lasts={"IPv4": None, "IPv6": True}))
    assert AllowPort("ufw", 123, ("IPv4",)).holds(fresh(firewall__admits={"IPv4": True, "IPv6": False}))


def test_which_family_stays_shut_is_told() -> None:
    facts = fresh(firewall__admits={"IPv4": True, "IPv6": False})
    assert PORT.why_not(facts) == "ufw still does not let 123/udp in over IPv6: an earlier rule decides otherwise"
    told = fresh(firewall__admits={"IPv4": True, "IPv6": False}, firewall__why={"IPv6": "its rule 5"})
    assert PORT.why_not(told) == "ufw still does not let 123/udp in over IPv6: its rule 5"

"""One value in a file of somebody else's: set, and every other byte stays."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest

from ntpjoin.facts import FileFact
from ntpjoin.host.machine import FileState
from ntpjoin.provision.changes import (
    Assign,
    Site,
)
from tests.sample import ROW, fresh

STOCK = """\
NTPD_OPTS="-g -N"

# Set to "yes" to ignore DHCP servers returned by DHCP.
IGNORE_DHCP=""

NAME=""
"""
ASSIGN = Assign("/etc/default/ntpsec", "IGNORE_DHCP", "yes", "so it shall be", ROW.unit)


def set_once(site: Site, text: Optional[str]) -> Any:
    """The file as it was, and our setting made in it; returns what the journal has."""
    site.host.make_folder("/etc/default")
    if text is not None:
        site.host.write(ASSIGN.path, FileState(text.encode(), 0o640, "root:root"))
    before = json.loads(json.dumps(ASSIGN.before(site)))
    ASSIGN.apply(site)
    assert ASSIGN.holds(fresh(files={ASSIGN.path: FileFact(site.host.read(ASSIGN.path) or b"", 0o640, "")}))
    return before


@pytest.mark.parametrize(
    ("text", "then"),
    [
        (STOCK, STOCK.replace('IGNORE_DHCP=""', 'IGNORE_DHCP="yes"')),
        ("IGNORE_DHCP=yes\n", "IGNORE_DHCP=yes\n"),
        ("IGNORE_DHCP='yes' # mine\n", "IGNORE_DHCP='yes' # mine\n"),
        ("IGNORE_DHCP=yes\nIGNORE_DHCP=no\nX=1", 'IGNORE_DHCP=yes\nIGNORE_DHCP="yes"\nX=1'),
        ("X=1", 'X=1\nIGNORE_DHCP="yes"\n'),
        ("X=1\r\n\tY=2\n\n", 'X=1\r\n\tY=2\n\nIGNORE_DHCP="yes"\n'),
        ("export IGNORE_DHCP=no\n", 'export IGNORE_DHCP=no\nIGNORE_DHCP="yes"\n'),
        ("IGNORE_DHCP=yes\nunset IGNORE_DHCP\n", 'IGNORE_DHCP=yes\nunset IGNORE_DHCP\nIGNORE_DHCP="yes"\n'),
        ("if x; then\n  IGNORE_DHCP=yes\nfi\n", 'if x; then\n  IGNORE_DHCP=yes\nfi\nIGNORE_DHCP="yes"\n'),
        ("IGNORE_DHCP=yes; IGNORE_DHCP=\n", 'IGNORE_DHCP=yes; IGNORE_DHCP=\nIGNORE_DHCP="yes"\n'),
        ('IGNORE_DHCP="yes\n', 'IGNORE_DHCP="yes\nIGNORE_DHCP="yes"\n'),
        ("MY_IGNORE_DHCP=yes\n", 'MY_IGNORE_DHCP=yes\nIGNORE_DHCP="yes"\n'),
        ("", 'IGNORE_DHCP="yes"\n'),
        (None, 'IGNORE_DHCP="yes"\n'),
    ],
)
def test_one_value_is_set_and_every_other_byte_stays(site: Site, text: Optional[str], then: str) -> None:
    before = set_once(site, text)
    assert site.host.read(ASSIGN.path) == then.encode()
    undone = ASSIGN.undo(site, before)
    assert undone.state == "restored", undone.text
    assert site.host.read(ASSIGN.path) == (None if text is None else text.encode())
    if text is not None:
        state = site.host.state(ASSIGN.path)
        assert state is not None
        assert state.mode == 0o640


def test_a_setting_that_was_begun_only_is_undone_too(site: Site) -> None:
    site.host.make_folder("/etc/default")
    site.host.write(ASSIGN.path, FileState(STOCK.encode(), 0o644, ""))
    assert ASSIGN.undo(site, json.loads(json.dumps(ASSIGN.before(site)))).state == "restored"
    assert site.host.text(ASSIGN.path) == STOCK


@pytest.mark.parametrize(
    ("edit", "state", "then"),
    [
        (("-g -N", "-g -N -4"), "restored", STOCK.replace("-g -N", "-g -N -4")),
        (('IGNORE_DHCP="yes"', "IGNORE_DHCP=no"), "kept", STOCK.replace('IGNORE_DHCP=""', "IGNORE_DHCP=no")),
        (('IGNORE_DHCP="yes"', 'IGNORE_DHCP=""'), "restored", STOCK),
        (('NAME=""', "export IGNORE_DHCP=no"), "kept", None),
    ],
)
def test_what_somebody_edited_since_stays(site: Site, edit: tuple[str, str], state: str, then: Optional[str]) -> None:
    before = set_once(site, STOCK)
    edited = site.host.text(ASSIGN.path).replace(*edit)
    site.host.write(ASSIGN.path, FileState(edited.encode(), 0o640, ""))
    undone = ASSIGN.undo(site, before)
    assert (undone.state, site.host.text(ASSIGN.path)) == (state, edited if then is None else then)


def test_a_line_that_was_added_goes_again_and_what_was_written_beside_it_stays(site: Site) -> None:
    before = set_once(site, None)
    site.host.write(ASSIGN.path, FileState(b'MINE=1\nIGNORE_DHCP="yes"\n', 0o644, ""))
    assert ASSIGN.undo(site, before).state == "restored"
    assert site.host.text(ASSIGN.path) == "MINE=1\n"


def test_a_file_that_went_since_is_not_made_again(site: Site) -> None:
    before = set_once(site, STOCK)
    site.host.remove(ASSIGN.path)
    undone = ASSIGN.undo(site, before)
    assert (undone.state, undone.text) == ("restored", "/etc/default/ntpsec is gone, with our IGNORE_DHCP=yes")
    assert not site.host.exists(ASSIGN.path)


def test_the_difference_that_a_setting_makes() -> None:
    facts = fresh(files={ASSIGN.path: FileFact(STOCK.encode(), 0o644, "root:root")})
    changed = [line for line in ASSIGN.diff(facts).splitlines() if line[0] in "+-"]
    assert changed[2:] == ['-IGNORE_DHCP=""', '+IGNORE_DHCP="yes"']
    assert ASSIGN.diff(fresh()) == ""

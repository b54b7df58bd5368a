"""Files: written, checked by the daemon that is to read them, taken back; what somebody edited since is kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts, FileFact
from ntpjoin.host import machine, ntpd
from ntpjoin.host.journal import Entry, Journal
from ntpjoin.host.machine import FileState, Host
from ntpjoin.model import Before
from ntpjoin.provision.changes import (
    Site,
    WriteConfig,
    WriteFile,
)
from ntpjoin.provision.changes.files import _OURS
from ntpjoin.provision.render import ntp_conf
from tests.sample import PINS, ROW, SYSTEM

FILE = WriteFile("/etc/ntpsec/ntp.d/x.conf", "ours\n", "x.service")


def seen(site: Site, path: str = FILE.path) -> Facts:
    """The facts as looking at that file would have them."""
    state = site.host.state(path)
    fact = FileFact(state.content, state.mode, state.owner) if state else None
    return Facts(SYSTEM, files={path: fact})


def test_a_file_is_written_and_taken_away_with_the_folders_made_for_it(site: Site) -> None:
    assert not FILE.holds(seen(site))
    before = json.loads(json.dumps(FILE.before(site)))
    assert before == {"file": None, "folders": ["/etc/ntpsec/ntp.d", "/etc/ntpsec"]}
    FILE.apply(site)
    assert FILE.holds(seen(site))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


def test_a_folder_that_others_use_meanwhile_stays(site: Site) -> None:
    before = FILE.before(site)
    FILE.apply(site)
    site.host.write("/etc/ntpsec/other", FileState(b"", 0o644, ""))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc/ntpsec") == ("other",)


@pytest.mark.parametrize("content", [b"former\n", b"", b"\xff\0binary"])
def test_a_file_that_was_there_comes_back_as_it_was(site: Site, content: bytes) -> None:
    site.host.make_folder("/etc/ntpsec/ntp.d")
    former = FileState(content, 0o640, "root:root")
    site.host.write(FILE.path, former)
    before = json.loads(json.dumps(FILE.before(site)))
    FILE.apply(site)
    assert site.host.state(FILE.path) == FileState(b"ours\n", 0o644, "root:root")
    assert FILE.undo(site, before).state == "restored"
    assert site.host.state(FILE.path) == former


@pytest.mark.parametrize("was_there", [True, False])
def test_what_somebody_edited_since_is_kept(site: Site, was_there: bool) -> None:
    if was_there:
        site.host.make_folder("/etc/ntpsec/ntp.d")
        site.host.write(FILE.path, FileState(b"former\n", 0o644, "root:root"))
    before = FILE.before(site)
    FILE.apply(site)
    site.host.write(FILE.path, FileState(b"edited\n", 0o644, "root:root"))
    undone = FILE.undo(site, before)
    assert (undone.state, site.host.text(FILE.path)) == ("kept", "edited\n")
    assert "was edited since" in undone.text


def twice(site: Site) -> list[tuple[WriteFile, Site, Before]]:
    """Two runs that wrote the same file over the package's own, the last one first."""
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(FILE.path, FileState(b"stock\n", 0o644, "root:root"))
    journal = Journal(site.host)
    done: list[tuple[WriteFile, Site, Before]] = []
    for change in (FILE, replace(FILE, content="ours, anew\n")):
        run = journal.open({}, ())
        here = Site(site.host, run.folder)
        before = json.loads(json.dumps(change.before(here)))
        change.apply(here)
        run = journal.put(run, Entry(1, change.kind, change.fields(), before, "done"))
        journal.save(replace(run, state="done"))
        done.insert(0, (change, here, before))
    return done


def test_what_an_earlier_run_found_is_no_edit(site: Site) -> None:
    """As when the package was installed again, with its own file: that is what undoing both comes to."""
    done = twice(site)
    site.host.write(FILE.path, FileState(b"stock\n", 0o644, "root:root"))
    back = [(change.undo(here, before).state, site.host.text(FILE.path)) for change, here, before in done]
    assert back == [("restored", "ours\n"), ("restored", "stock\n")]


def test_nor_is_what_the_package_has_brought(site: Site) -> None:
    done = twice(site)
    _, first, _ = done[1]
    digest = hashlib.sha256(b"newer stock\n").hexdigest()
    page = json.dumps({FILE.path: f"sha256:{digest}"}).encode()
    site.host.write(f"{first.folder}/conffiles.json", FileState(page, 0o600, ""))
    site.host.write(FILE.path, FileState(b"newer stock\n", 0o644, "root:root"))
    assert [change.undo(here, before).state for change, here, before in done] == ["restored", "restored"]
    assert site.host.text(FILE.path) == "stock\n"


def test_what_a_run_found_that_was_taken_back_is_an_edit(site: Site) -> None:
    [(last, here, before), _] = twice(site)
    journal = Journal(site.host)
    first = journal.runs()[0]
    journal.put(first, replace(first.entries[0], state="undone"))
    site.host.write(FILE.path, FileState(b"stock\n", 0o644, "root:root"))
    assert last.undo(here, before).state == "kept"
    assert site.host.text(FILE.path) == "stock\n"


@pytest.mark.parametrize("was_there", [True, False])
def test_undoing_what_was_begun_only_changes_nothing(site: Site, was_there: bool) -> None:
    if was_there:
        site.host.make_folder("/etc/ntpsec/ntp.d")
        site.host.write(FILE.path, FileState(b"former\n", 0o600, "root:root"))
    before = FILE.before(site)
    assert FILE.undo(site, before).state == "restored"
    assert site.host.exists(FILE.path) is was_there


def test_what_we_render_is_known_for_ours_by_its_beginning() -> None:
    assert ntp_conf(ROW, PINS, leapfile=True).encode().startswith(_OURS)


def test_undoing_twice_does_no_harm(site: Site) -> None:
    before = FILE.before(site)
    FILE.apply(site)
    assert [FILE.undo(site, before).state for _ in range(2)] == ["restored", "restored"]


def test_a_file_that_somebody_removed_since_comes_back(site: Site) -> None:
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(FILE.path, FileState(b"former\n", 0o644, "root:root"))
    before = FILE.before(site)
    FILE.apply(site)
    site.host.remove(FILE.path)
    site.host.remove_folder("/etc/ntpsec/ntp.d")
    assert FILE.undo(site, before).state == "restored"
    assert site.host.text(FILE.path) == "former\n"


def test_what_a_killed_write_left_goes_with_the_undo(site: Site) -> None:
    before = FILE.before(site)
    site.host.make_folder("/etc/ntpsec/ntp.d")
    site.host.write(FILE.path + machine.NEW, FileState(b"half", 0o600, ""))
    assert FILE.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


@pytest.mark.parametrize(
    ("fact", "whose", "holds"),
    [
        (None, "ours", False),
        (None, "operator", False),
        (FileFact(b"ours\n", 0o644, "root:root"), "ours", True),
        (FileFact(b"ours\n", 0o600, "root:root"), "ours", False),
        (FileFact(b"ours\n", 0o644, "ntpsec:ntpsec"), "ours", False),
        (FileFact(b"theirs\n", 0o644, "root:root"), "ours", False),
        (FileFact(b"theirs\n", 0o600, "x:y"), "operator", True),
        (None, "daemon", False),
        (FileFact(b"-3.1\n", 0o644, "ntpsec:ntpsec"), "daemon", True),
    ],
)
def test_when_a_file_is_as_it_shall_be(fact: Optional[FileFact], whose: Any, holds: bool) -> None:
    assert replace(FILE, whose=whose).holds(Facts(SYSTEM, files={FILE.path: fact})) is holds


def test_a_difference_is_shown_against_what_is(site: Site) -> None:
    assert FILE.diff(seen(site)).splitlines()[:2] == ["--- /dev/null", f"+++ {FILE.path}"]
    fact = FileFact(b"server x\nsame\n", 0o644, "root:root")
    shown = replace(FILE, content="same\n").diff(Facts(SYSTEM, files={FILE.path: fact}))
    assert "-server x" in shown.splitlines()
    assert replace(FILE, content="server x\nsame\n").diff(Facts(SYSTEM, files={FILE.path: fact})) == ""


def test_what_the_daemon_wrote_into_its_own_file_is_no_edit(site: Site) -> None:
    drift = replace(FILE, content="0.000\n", whose="daemon")
    before = drift.before(site)
    drift.apply(site)
    site.host.write(drift.path, FileState(b"-17.345\n", 0o644, "root:root"))
    assert drift.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


def test_what_the_operator_wrote_into_his_own_file_is_kept(site: Site) -> None:
    own = replace(FILE, content="", whose="operator")
    before = own.before(site)
    own.apply(site)
    site.host.write(own.path, FileState(b"server x\n", 0o644, "root:root"))
    assert own.undo(site, before).state == "kept"
    assert site.host.text(own.path) == "server x\n"


CONFIG = WriteConfig("/etc/ntpsec/ntp.conf", "server 192.0.2.1\n", "x.service", daemon="/usr/sbin/ntpd")


def listen(monkeypatch: pytest.MonkeyPatch, *complaints: str, fault: Optional[Exception] = None) -> None:
    def checked(host: Host, daemon: str, path: str, content: str) -> tuple[str, ...]:
        assert (daemon, path, content) == (CONFIG.daemon, CONFIG.path, CONFIG.content)
        assert host.exists(path), "the candidate is laid over the path, which must be there"
        if fault:
            raise fault
        return complaints

    monkeypatch.setattr(ntpd, "complaints", checked)


def test_a_configuration_that_the_daemon_accepts_is_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch)
    before = CONFIG.before(site)
    CONFIG.apply(site)
    assert site.host.text(CONFIG.path) == CONFIG.content
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()


@pytest.mark.parametrize(
    ("former", "back"),
    [
        (b"stock\n", False),
        (b"its operator's\n", True),
        (ntp_conf(ROW, PINS, leapfile=True).encode(), False),
    ],
)
def test_what_somebody_has_purged_with_the_daemon_comes_back_only_if_it_was_his(
    site: Site, monkeypatch: pytest.MonkeyPatch, former: bytes, back: bool
) -> None:
    listen(monkeypatch)
    site.host.make_folder("/etc/ntpsec")
    site.host.make_folder("/run")
    stock = hashlib.sha256(b"stock\n").hexdigest()
    site.host.write("/run/conffiles.json", FileState(f'{{"{CONFIG.path}": "sha256:{stock}"}}'.encode(), 0o600, ""))
    site.host.write(CONFIG.path, FileState(former, 0o644, "root:root"))
    before = json.loads(json.dumps(CONFIG.before(site)))
    CONFIG.apply(site)
    site.host.remove(CONFIG.path)
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.exists(CONFIG.path) is back


def test_the_packages_own_file_comes_back_where_only_the_file_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen(monkeypatch)
    site.host.make_folder("/etc/ntpsec")
    site.host.make_folder("/usr/sbin")
    stock = ntp_conf(ROW, PINS, leapfile=True).encode()
    site.host.write(CONFIG.path, FileState(stock, 0o644, "root:root"))
    site.host.write(CONFIG.daemon, FileState(b"", 0o755, ""))
    before = CONFIG.before(site)
    CONFIG.apply(site)
    site.host.remove(CONFIG.path)
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.read(CONFIG.path) == stock


def test_one_that_it_complains_of_is_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch, "line 1: syntax error")
    site.host.make_folder("/etc/ntpsec")
    site.host.write(CONFIG.path, FileState(b"former\n", 0o644, "root:root"))
    with pytest.raises(StepFailed, match=r"does not accept the new /etc/ntpsec/ntp\.conf:\nline 1: syntax error"):
        CONFIG.apply(site)
    assert site.host.text(CONFIG.path) == "former\n"


def test_the_empty_place_of_a_check_that_failed_is_taken_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    listen(monkeypatch, fault=StepFailed("no proof"))
    before = CONFIG.before(site)
    with pytest.raises(StepFailed, match="no proof"):
        CONFIG.apply(site)
    assert CONFIG.undo(site, before).state == "restored"
    assert site.host.names("/etc") == ()

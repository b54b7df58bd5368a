"""The journal: written before anything is changed, read by every later release, never guessed at."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.errors import Blocked, JournalProblem, StepFailed
from ntpjoin.host.journal import FOLDER, Entry, Journal, take_lock
from ntpjoin.host.machine import FileState, Host

WISH: dict[str, Any] = {"upstreams": ["ntp1.example.net"], "few": True}
PINS = ({"name": "ntp1.example.net", "address": "192.0.2.1"},)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    return Host(root=tmp_path)


def entry(number: int = 1, **changes: Any) -> Entry:
    made = Entry(number, "file", {"path": "/etc/x", "content": "y"}, {"file": None, "folders": ["/etc"]})
    return replace(made, **changes)


def test_what_is_written_is_read_again(host: Host) -> None:
    journal = Journal(host)
    assert journal.runs() == ()
    run = journal.open(WISH, PINS)
    run = journal.put(run, entry(1))
    run = journal.put(run, entry(2, kind="unit"))
    run = journal.put(run, entry(1, state="done"))
    assert [(one.number, one.state) for one in run.entries] == [(1, "done"), (2, "begun")]
    assert journal.runs() == (run,)
    journal.save(replace(run, state="done"))
    assert journal.runs() == (replace(run, state="done"),)


def test_a_run_has_its_place_and_only_root_may_look_into_it(host: Host) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    assert run.folder == "/var/lib/ntpjoin/runs/0001"
    for folder in (FOLDER, f"{FOLDER}/runs", run.folder, f"{run.folder}/packages"):
        assert stat.S_IMODE(host.path(folder).stat().st_mode) == 0o700, folder
    for page in ("run.json", "001.json"):
        assert stat.S_IMODE(host.path(f"{run.folder}/{page}").stat().st_mode) == 0o600


def test_the_keys_of_the_pages_are_held(host: Host) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    page = json.loads(host.text(f"{run.folder}/run.json"))
    assert page == {"schema": 1, "number": 1, "state": "open", "wish": WISH, "pins": list(PINS), "command": "setup"}
    page = json.loads(host.text(f"{run.folder}/001.json"))
    assert set(page) == {"schema", "number", "kind", "fields", "before", "state"}


def test_a_run_that_ended_is_followed_by_a_new_one(host: Host) -> None:
    journal = Journal(host)
    for state in ("done", "undone", "mixed"):
        journal.save(replace(journal.open(WISH, PINS), state=state))
    assert [run.number for run in journal.runs()] == [1, 2, 3]
    assert journal.open(WISH, PINS).number == 4


def test_a_run_that_died_is_continued_under_its_number(host: Host) -> None:
    journal = Journal(host)
    journal.save(replace(journal.open(WISH, PINS), state="done"))
    died = journal.put(journal.open(WISH, PINS), entry(1, state="done"))
    other = {"upstreams": ["ntp2.example.net"]}
    again = Journal(host).open(other, ())
    assert (again.number, again.wish, again.pins) == (2, other, ())
    assert again.entries == died.entries
    assert Journal(host).runs()[-1] == again


def test_numbers_grow_beyond_four_digits_in_their_order(host: Host) -> None:
    journal = Journal(host)
    journal.save(replace(journal.open(WISH, PINS), state="done"))
    os.rename(host.path(f"{FOLDER}/runs/0001"), host.path(f"{FOLDER}/runs/9999"))  # noqa: PTH104
    page = host.path(f"{FOLDER}/runs/9999/run.json")
    page.write_text(page.read_text().replace('"number": 1', '"number": 9999'))
    for number in (10000, 10001):
        run = journal.open(WISH, PINS)
        assert run.number == number
        journal.save(replace(run, state="done"))
    assert [run.number for run in journal.runs()] == [9999, 10000, 10001]


def test_more_than_999_entries_stay_in_their_order(host: Host) -> None:
    journal = Journal(host)
    run = journal.open(WISH, PINS)
    for number in (2, 999, 1000):
        run = journal.put(run, entry(number))
    assert [one.number for one in journal.runs()[0].entries] == [2, 999, 1000]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "{}", '"x"', '{"number": 1}'])
@pytest.mark.parametrize("name", ["run.json", "001.json"])
def test_a_corrupt_page_is_told_and_never_guessed(host: Host, name: str, text: str) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    host.path(f"{run.folder}/{name}").write_text(text)
    with pytest.raises(JournalProblem, match=f"{run.folder}/{name} cannot be read"):
        journal.runs()


@pytest.mark.parametrize("name", ["run.json", "001.json"])
def test_a_page_with_a_key_missing_is_told(host: Host, name: str) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    page = json.loads(host.text(f"{run.folder}/{name}"))
    for key in set(page) - {"schema", "command"}:
        host.path(f"{run.folder}/{name}").write_text(json.dumps({k: v for k, v in page.items() if k != key}))
        with pytest.raises(JournalProblem, match=f"{name} cannot be read"):
            journal.runs()


@pytest.mark.parametrize("schema", ['"one"', "null", "[]"])
def test_a_schema_that_never_was_is_told(host: Host, schema: str) -> None:
    journal = Journal(host)
    run = journal.open(WISH, PINS)
    page = host.path(f"{run.folder}/run.json")
    page.write_text(page.read_text().replace('"schema": 1', f'"schema": {schema}'))
    with pytest.raises(JournalProblem):
        journal.runs()


@pytest.mark.parametrize("name", ["run.json", "001.json"])
def test_a_page_of_a_newer_release_is_refused(host: Host, name: str) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    page = host.path(f"{run.folder}/{name}")
    page.write_text(page.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(
        JournalProblem, match="has schema 2, this ntpjoin knows up to 1: a newer one wrote it"
    ) as caught:
        journal.runs()
    assert caught.value.remedy == "use the newer ntpjoin"


def test_a_page_that_was_never_finished_does_not_exist(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(host)
    run = journal.open(WISH, PINS)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(Killed):
        journal.put(run, entry())
    monkeypatch.undo()
    assert [path.name for path in host.path(run.folder).glob("001*")] == ["001.json.ntpjoin-new"]
    assert journal.runs() == (run,)


def test_a_run_that_died_before_its_first_page_changed_nothing(host: Host) -> None:
    host.make_folder(f"{FOLDER}/runs/0001/packages")
    journal = Journal(host)
    assert journal.runs() == ()
    assert journal.open(WISH, PINS).number == 1


def test_a_run_whose_first_page_is_lost_is_told_and_not_written_over(host: Host) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    host.remove(f"{run.folder}/run.json")
    with pytest.raises(JournalProblem, match=r"run\.json cannot be read"):
        journal.runs()


def test_what_is_no_run_is_not_read(host: Host) -> None:
    host.make_folder(f"{FOLDER}/runs/notes")
    run = Journal(host).open(WISH, PINS)
    host.write(f"{run.folder}/packages.log", FileState(b"", 0o600, ""))
    host.write(f"{run.folder}/old.json", FileState(b"{", 0o600, ""))
    assert Journal(host).runs() == (run,)


def test_a_journal_that_cannot_be_written_blocks(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalProblem, match=r"cannot be written.*No space left") as caught:
        Journal(host).open(WISH, PINS)
    assert caught.value.remedy.startswith("look at: df ")


def test_room_is_set_aside_while_a_run_is_open(host: Host) -> None:
    journal = Journal(host)
    run = journal.open(WISH, PINS, room=1 << 20)
    reserve = host.path(f"{run.folder}/reserve")
    assert reserve.stat().st_blocks * 512 >= 1 << 20
    journal.release(run)
    journal.release(run)
    assert not reserve.exists()
    assert not host.path(f"{journal.open(WISH, PINS).folder}/reserve").exists()


def test_where_there_is_not_so_much_room_nothing_is_begun(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(JournalProblem, match=r"32 MB could not be set aside in .*: No space left"):
        Journal(host).open(WISH, PINS, room=32 << 20)
    assert Journal(host).runs() == ()
    assert list(host.root.rglob("reserve")) == []


def test_a_folder_that_cannot_be_read_is_no_empty_journal(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(host).open(WISH, PINS)

    def broken(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.listdir", broken)
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    with pytest.raises(JournalProblem, match=r"cannot be read: .*Input/output error"):
        Journal(host).runs()
    monkeypatch.setattr(Host, "is_root", lambda _: False)
    assert Journal(host).runs() == ()


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("run.json", "number", '"1"'),
        ("run.json", "pins", "{}"),
        ("001.json", "before", "null"),
        ("001.json", "fields", "[]"),
    ],
)
def test_a_page_with_a_value_of_another_type_is_told(host: Host, name: str, key: str, value: str) -> None:
    journal = Journal(host)
    run = journal.put(journal.open(WISH, PINS), entry())
    page = json.loads(host.text(f"{run.folder}/{name}")) | {key: json.loads(value)}
    host.path(f"{run.folder}/{name}").write_text(json.dumps(page))
    with pytest.raises(JournalProblem, match=f"{name} cannot be read: .* is no "):
        journal.runs()


def test_a_full_disk_in_mid_run_is_a_failed_step(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(host)
    run = journal.open(WISH, PINS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StepFailed, match="No space left"):
        journal.put(run, entry())


@pytest.mark.parametrize(
    ("state", "in_effect"), [("begun", True), ("done", True), ("failed", True), ("undone", False), ("kept", True)]
)
def test_an_entry_is_in_effect_until_it_is_taken_back(state: Any, in_effect: bool) -> None:
    assert entry(state=state).in_effect is in_effect


def test_one_run_at_a_time_and_the_other_is_named(host: Host) -> None:
    first = take_lock(host)
    with pytest.raises(Blocked, match=rf"another ntpjoin \(process {os.getpid()}\) is changing this host"):
        take_lock(host)
    first.close()
    second = take_lock(host)
    assert not os.get_inheritable(second.fileno())
    second.close()


def test_a_lock_that_somebody_planted_is_not_followed(host: Host) -> None:
    host.path("/run/ntpjoin.lock").symlink_to(host.root / "shadow")
    with pytest.raises(Blocked, match=r"the lock /run/ntpjoin\.lock cannot be had"):
        take_lock(host)
    assert not (host.root / "shadow").exists()

"""Looking at the program itself: one file that was carried there, or one that is installed, and whether it stays."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ntpjoin.facts import JournalFacts, Program, RunFact
from ntpjoin.host.machine import FileState, Host
from ntpjoin.look import program
from ntpjoin.look.journal import look_journal
from ntpjoin.look.look import files_of, look_again, units_of
from ntpjoin.look.program import look_program
from ntpjoin.model import Wish
from ntpjoin.provision import prepare
from tests.conftest import Programs, put
from tests.sample import ROW, fresh


def test_installed_it_is_no_file(tree: Host) -> None:
    assert look_program(tree) == Program(sys.executable)


def test_as_one_file_it_is_known_by_its_bytes(tree: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "ntpjoin.pyz"
    archive.write_bytes(b"PK")
    (tmp_path / "link").symlink_to(archive)
    monkeypatch.setattr(program, "__spec__", SimpleNamespace(loader=SimpleNamespace(archive=str(tmp_path / "link"))))
    found = look_program(Host())
    assert found == Program(sys.executable, str(archive), hashlib.sha256(b"PK").hexdigest())
    del tree


@pytest.mark.parametrize(
    ("path", "modes", "lasts"),
    [
        ("/usr/local/bin/ntpjoin", (0o755, 0o755), True),
        ("/opt/ntpjoin/ntpjoin.pyz", (0o644, 0o755), True),
        ("/opt/ntpjoin/ntpjoin.pyz", (0o644, 0o775), False),
        ("/usr/local/bin/ntpjoin", (0o757, 0o755), False),
        ("/usr/local/bin/ntpjoin", (0o755, 0o777), False),
        ("/root/ntpjoin.pyz", (0o755, 0o755), False),
        ("/tmp/ntpjoin.pyz", (0o755, 0o755), False),
    ],
)
def test_where_it_stays(
    tree: Host, monkeypatch: pytest.MonkeyPatch, path: str, modes: tuple[int, int], lasts: bool
) -> None:
    put(tree, path, "PK")
    tree.path(path).chmod(modes[0])
    tree.path(path).parent.chmod(modes[1])
    monkeypatch.setattr(program, "_archive", lambda: path)
    owned = Path.stat

    def stat(self: Path) -> SimpleNamespace:
        return SimpleNamespace(st_uid=0, st_gid=50, st_mode=owned(self).st_mode)

    with monkeypatch.context() as everything_is_roots:
        everything_is_roots.setattr(Path, "stat", stat)
        assert look_program(tree).lasts is lasts
    with monkeypatch.context() as somebodys:
        somebodys.setattr(
            Path, "stat", lambda self: SimpleNamespace(st_uid=1000, st_gid=0, st_mode=owned(self).st_mode)
        )
        assert not look_program(tree).lasts


def test_its_units_and_files_are_looked_at() -> None:
    assert "ntpjoin-verify.timer" in units_of(ROW)
    assert {"/usr/local/lib/ntpjoin/ntpjoin.pyz", "/etc/systemd/system/ntpjoin-verify.timer"} <= set(files_of(ROW))


def test_the_files_of_its_metrics_are_looked_at_the_former_ones_and_the_one_that_is_wished_for(
    tree: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.says("dpkg-query")
    put(tree, "/var/lib/c/old.prom", "x 1\n")
    put(tree, "/var/lib/c/new.prom", "x 2\n")
    former = JournalFacts((RunFact(1, "done", Wish(metrics="/var/lib/c/old.prom"), ()), RunFact(2, "done", Wish(), ())))
    monkeypatch.setattr(
        prepare, "look_again", lambda host, facts, part: look_again(host, facts, part.replace("program", "files"))
    )
    facts = prepare._watched(tree, fresh(journal=former), "/var/lib/c/new.prom")
    found = {path: file.content for path, file in facts.files.items() if file and path.startswith("/var/lib/c")}
    assert found == {"/var/lib/c/old.prom": b"x 1\n", "/var/lib/c/new.prom": b"x 2\n"}
    assert "/var/lib/c" in [space.folder for space in facts.spaces]
    facts = prepare._watched(tree, fresh(), "")
    assert facts.spaces == fresh().spaces
    assert not [path for path in facts.files if path.endswith(".prom")]


def test_the_journal_tells_of_a_copy_without_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ntpjoin.host.journal import Entry, Journal
    from ntpjoin.provision.changes import CopyFile

    monkeypatch.setattr(Host, "is_root", lambda _: True)
    host = Host(root=tmp_path)
    (tmp_path / "var/lib").mkdir(parents=True)
    change = CopyFile("/root/x.pyz", "/usr/local/lib/x.pyz", "00")
    run = Journal(host).open({}, ())
    host.make_folder(f"{run.folder}/files")
    host.write(f"{run.folder}/files/00", FileState(b"", 0o600, ""))
    Journal(host).put(run, Entry(1, change.kind, change.fields(), {"file": None}))
    assert look_journal(host).written == {"/usr/local/lib/x.pyz": ()}
    assert os.listdir(host.path(run.folder)).count("001.json") == 1  # noqa: PTH208

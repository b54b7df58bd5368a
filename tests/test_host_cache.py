from __future__ import annotations

from pathlib import Path

import pytest

from ntpjoin.host import cache
from ntpjoin.host.machine import Host


@pytest.mark.parametrize(
    ("root", "environment", "folder"),
    [
        (True, {"HOME": "/home/me", "XDG_CACHE_HOME": "/elsewhere"}, "/var/cache/ntpjoin/x"),
        (False, {"HOME": "/home/me"}, "/home/me/.cache/ntpjoin/x"),
        (False, {"HOME": "/home/me", "XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/ntpjoin/x"),
        (False, {"HOME": "/home/me", "XDG_CACHE_HOME": ""}, "/home/me/.cache/ntpjoin/x"),
        (False, {"HOME": "/home/me", "XDG_CACHE_HOME": "here"}, ""),
        (False, {"HOME": ""}, ""),
        (False, {}, ""),
    ],
)
def test_whoever_runs_it_has_a_folder_of_his_own(
    monkeypatch: pytest.MonkeyPatch, root: bool, environment: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: root)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.folder(Host(), "x") == folder


def test_what_is_kept_comes_back_until_it_is_forgotten(tmp_path: Path) -> None:
    host = Host(root=tmp_path)
    assert cache.read(host, "/a/b", "c") is None
    cache.keep(host, "/a/b", "c", b"d")
    assert cache.read(host, "/a/b", "c") == b"d"
    cache.forget(host, "/a/b", "c")
    cache.forget(host, "/a/b", "c")
    assert cache.read(host, "/a/b", "c") is None


def test_a_folder_that_is_a_link_or_open_to_others_is_not_ours(tmp_path: Path) -> None:
    host = Host(root=tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o757)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    for name in ("open", "link"):
        cache.keep(host, f"/{name}", "c", b"d")
        assert not list((tmp_path / name).iterdir())
        (tmp_path / name / "c").write_bytes(b"planted")
        assert cache.read(host, f"/{name}", "c") is None
        cache.forget(host, f"/{name}", "c")
        assert (tmp_path / name / "c").exists()


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    host = Host(root=tmp_path)
    (tmp_path / "a").write_text("a file")
    cache.keep(host, "/a/b", "c", b"d")
    assert cache.read(host, "/a/b", "c") is None
    cache.keep(host, "", "c", b"d")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]

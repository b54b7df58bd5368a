"""Files of Debian's packages, as they are: fetched by apt, unpacked and not installed."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.lab import cache, machine, process
from tests.lab.process import Log

#: The source package of a name; its files are upstream's, without Debian's changes.
SOURCE = "src:"


def unpacked(suite: str, names: Iterable[str], folders: Sequence[str], log: Log) -> Path:
    """A folder with one for each package of a release, which has what the package has below `folders`."""
    wanted = sorted(set(names))
    made_by = [suite, *wanted, *folders, inspect.getsource(make), inspect.getsource(unpack)]
    return cache.built(f"specimens-{suite}", made_by, lambda folder: make(folder, suite, wanted, folders), log)


def make(folder: Path, suite: str, names: Sequence[str], folders: Sequence[str]) -> None:
    apt = folder / "apt"
    for name in ("lists/partial", "archives/partial", "downloaded"):
        (apt / name).mkdir(parents=True)
    lines = machine.debian_sources(suite, updates=False)
    sources = lines + lines.replace("deb ", "deb-src ", 1)
    (apt / "sources.list").write_text(sources)
    words = ["env", f"--chdir={apt / 'downloaded'}", "apt-get", "-qq", "-o", "APT::Sandbox::User=root"]
    words += ["-o", f"Dir::Etc::sourcelist={apt / 'sources.list'}", "-o", "Dir::Etc::sourceparts=-"]
    words += [
        "-o",
        f"Dir::State::lists={apt / 'lists'}",
        "-o",
        f"Dir::Cache={apt}",
        "-o",
        f"Dir::Cache::archives={apt / 'archives'}",
    ]
    process.run([*words, "update"], check=True, timeout=600)
    for name in names:
        what = ["source", "--download-only", name[len(SOURCE) :]] if name.startswith(SOURCE) else ["download", name]
        process.run([*words, *what], check=True, timeout=600)
        unpack(apt / "downloaded", folder / name, folders)
    shutil.rmtree(apt)


def unpack(downloaded: Path, target: Path, folders: Sequence[str]) -> None:
    """What was downloaded, and remove it."""
    target.mkdir()
    for archive in downloaded.iterdir():
        if archive.suffix == ".deb":
            process.run(["dpkg-deb", "--extract", str(archive), str(target)], check=True)
        elif ".orig.tar" in archive.name and archive.suffix != ".asc":
            process.run(["tar", "-x", "--strip-components=1", "-f", str(archive), "-C", str(target)], check=True)
        archive.unlink()
    for there in target.iterdir():
        if there.name not in folders:
            shutil.rmtree(there) if there.is_dir() and not there.is_symlink() else there.unlink()

"""Root trees beside the lab's own: what reads our outputs; and other releases of Debian, for their Pythons, the classic ntpd, which
Debian 12 no longer has, and a newer NTPsec."""

from __future__ import annotations

import inspect
from pathlib import Path

from tests.lab import cache, images, machine, recipe
from tests.lab.process import Log

#: The release, and its packages.
TREES = {
    "bullseye": ("bullseye", "ntp,python3"),
    "trixie": ("trixie", "ntpsec,python3"),
    "monitors": ("bookworm", "icinga2-bin,prometheus"),
}


def tree(name: str, log: Log) -> Path:
    """One of the trees, made now if it is not there; nothing may be written into it."""
    machine.require(log)
    suite, packages = TREES[name]
    made_by = [suite, packages, recipe.RESOLV_CONF]
    made_by += [inspect.getsource(step) for step in (images.bootstrap, make)]
    return cache.built(f"tree-{name}", made_by, lambda folder: make(folder, suite, packages), log) / "root"


def make(folder: Path, suite: str, packages: str) -> None:
    images.bootstrap(folder / "root", packages, machine.debian_sources(suite), suite)
    # A place to mount the lab's own over, whatever this machine has.
    resolver = folder / "root/etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.write_text(recipe.RESOLV_CONF)

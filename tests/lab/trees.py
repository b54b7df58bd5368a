"""Root trees of other releases of Debian: their Pythons, the classic ntpd, which Debian 12 no longer has, and a newer NTPsec."""

from __future__ import annotations

import inspect
from pathlib import Path

from tests.lab import cache, images, machine, recipe
from tests.lab.process import Log

PACKAGES = {"bullseye": "ntp,python3", "trixie": "ntpsec,python3"}


def tree(suite: str, log: Log) -> Path:
    """The tree of a release, made now if it is not there; nothing may be written into it."""
    machine.require(log)
    packages = PACKAGES[suite]
    made_by = [suite, packages, recipe.RESOLV_CONF]
    made_by += [inspect.getsource(step) for step in (images.bootstrap, make)]
    return cache.built(f"tree-{suite}", made_by, lambda folder: make(folder, suite, packages), log) / "root"


def make(folder: Path, suite: str, packages: str) -> None:
    images.bootstrap(folder / "root", packages, machine.debian_sources(suite), suite)
    # A place to mount the lab's own over, whatever this machine has.
    resolver = folder / "root/etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.write_text(recipe.RESOLV_CONF)

"""Configuration files as they were when packages had just brought them: what is still so, or so again, nobody has edited."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ntpjoin.host.machine import FileState
from ntpjoin.host.packages.manager import Manager, digest
from ntpjoin.provision.changes.base import Site

#: In the run's folder: their digests. Those of early runs tell only of the files that a maintainer script had made others.
_CONFFILES = "conffiles.json"


def remember(site: Site, packages: Manager, names: list[str], makes: Iterable[str]) -> None:
    """The configuration files of these packages, just installed, and what their scripts make.

    A later version of the package may bring another file, and then the package manager knows only that one. And a script may make one
    from a file of a former package, as ntpsec's does from /etc/ntp.conf: nobody's edit either.
    """
    made = ((path, site.host.read(path)) for path in makes)
    digests = {path: digest(content, "sha256:") for path, content in made if content is not None}
    for path, like in packages.conffiles(site.host, names).items():
        content = site.host.read(path)
        if content is not None:
            digests[path] = digest(content, like)
    page = json.dumps(digests, indent=1, sort_keys=True) + "\n"
    site.host.write(f"{site.folder}/{_CONFFILES}", FileState(page.encode(), 0o600, ""))


def as_brought(site: Site, path: str, content: bytes) -> bool:
    """Whether these bytes are those that the file had when this run had installed its packages."""
    there = _digests(site).get(path)
    return there is not None and digest(content, there) == there


def told_of(site: Site, path: str) -> bool:
    """Whether it was written down how this run's packages had made this file: a run that died amid has not come to that."""
    return path in _digests(site)


def _digests(site: Site) -> Mapping[str, str]:
    page = site.host.read(f"{site.folder}/{_CONFFILES}")
    return json.loads(page) if page else {}

"""What taking packages back has yet to do, written down before anything goes: it may die amid, and then nothing else would tell."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import FileState
from ntpjoin.model import Before
from ntpjoin.provision.changes.base import Site
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Amid:
    """What was seen before anything went, and can be seen no more once it has.

    `theirs` and `since` are files that an operator has made, as `put_back` takes them: what came with the packages that go, and
    the configuration of what comes back. `edited` are files for which packages are not purged, `along` packages that come back
    with others.
    """

    theirs: Before
    since: Before
    edited: tuple[str, ...] = ()
    along: tuple[str, ...] = ()

    def over(self, former: Amid) -> Amid:
        """The same on top of what one that died had seen: what is there now counts more."""
        return Amid(
            {**former.theirs, **self.theirs},
            {**former.since, **self.since},
            tuple(sorted({*former.edited, *self.edited})),
            tuple(sorted({*former.along, *self.along})),
        )


def remember(site: Site, amid: Amid) -> None:
    """Have it on disk. A full disk must not keep anything from being taken back."""
    page = {"theirs": amid.theirs, "since": amid.since, "edited": amid.edited, "along": amid.along}
    text = json.dumps(page, indent=1, sort_keys=True) + "\n"
    with contextlib.suppress(StepFailed):
        site.host.write(_page(site), FileState(text.encode(), 0o600, ""))


def forget(site: Site) -> None:
    """All of it is done."""
    with contextlib.suppress(StepFailed):
        site.host.remove(_page(site))


def recall(site: Site) -> tuple[Amid, bool]:
    """What one that died had seen, and whether there is such a one."""
    text = site.host.read(_page(site))
    page: Mapping[str, Any] = json.loads(text) if text else {}
    theirs, since = page.get("theirs", {}), page.get("since", {})
    return Amid(theirs, since, tuple(page.get("edited", ())), tuple(page.get("along", ()))), bool(page)


def _page(site: Site) -> str:
    """An entry has one of its own: a run may have several of packages."""
    return f"{site.folder}/{site.number:03d}.amid.json"

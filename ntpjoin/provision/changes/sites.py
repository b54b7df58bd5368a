"""A virtual host of the web server: written, found acceptable by the server itself, and read by it while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import ClassVar, Optional

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.host.services.manager import services
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Site
from ntpjoin.provision.changes.files import WriteFile
from ntpjoin.provision.changes.units import look
from ntpjoin.records import dataclass

#: How long the server may take from being told to read its configuration until it answers by it.
_RENEWED_S = 30.0
_TEST_S = 60.0


@dataclass(frozen=True)
class ServeSite(WriteFile):
    """Have the web server send who comes by no name of a site to the pool's, at these `addresses`, and nobody else.

    The file is found by `link`, where that is not '', and takes the place of the links `instead`. `test` is what to type to have the
    server check its configuration, `service` its unit. `names` are those of other sites, which answer as before.
    """

    kind: ClassVar[str] = "site"
    part: ClassVar[str] = "web"
    step: ClassVar[Step] = Step.WEB

    title: str = ""
    service: str = ""
    link: str = ""
    instead: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def describe(self) -> str:
        """The file, and what else it takes."""
        place = (
            f", enable it in place of {' and '.join(self.instead)}"
            if self.instead
            else ", enable it"
            if self.link
            else ""
        )
        return f"{super().describe()}{place}; {self.title} then reads it"

    def done(self, facts: Facts) -> str:
        """What was seen."""
        del facts
        return f"{self.title} sends lost browsers to the pool's site, at {' and '.join(self.addresses)}"

    def holds(self, facts: Facts) -> bool:
        """Whether the file is there and found, and every answer is as it shall be."""
        return not self._wrong(facts)

    def why_not(self, facts: Facts) -> str:
        """The first thing that is not as it should be."""
        return self._wrong(facts)

    def _wrong(self, facts: Facts) -> str:
        web = facts.web
        if web is None or not super().holds(facts):
            return f"{self.path} is not what it should be"
        links = {**dict.fromkeys(self.instead, None), **({self.link: self.path} if self.link else {})}
        for path, target in links.items():
            if web.links.get(path) != target:
                return f"{path} {'does not lead to ' + target if target else 'is still there'}"
        if not web.running:
            return f"{self.service} does not run"
        for visit in web.visits:
            if visit.address in self.addresses and not visit.to_pool:
                return f"{visit}; it should lead to the pool's site"
        for visit in (*web.left, *web.known):
            if visit.to_pool and (visit in web.left or visit.name in self.names):
                return f"{visit}; it should be left alone"
            if not visit.status and visit.name in self.names:
                return f"{visit}; it was answered before"
        return ""

    def before(self, site: Site) -> Before:
        """The file as it is, and where the links lead. Raises StepFailed where there is no link: nothing would bring back what is."""
        links = [path for path in (self.link, *self.instead) if path]
        for path in links:
            if site.host.exists(path) and not site.host.link_target(path):
                raise StepFailed(f"{path} is not a link", f"look at it: ls -l {path}")
        return {**super().before(site), "links": {path: site.host.link_target(path) for path in links}}

    def apply(self, site: Site) -> None:
        """Write, test, and have it read. Raises StepFailed with the server's own words."""
        super().apply(site)
        for path in self.instead:
            site.host.remove(path)
        if self.link:
            site.host.link(self.link, self.path)
        refusal = self._refusal(site.host)
        if refusal:
            raise StepFailed(f"{self.title} does not accept it:\n{refusal}")
        services(site.host).renew(site.host, self.service)
        self._wait(live=True)

    def undo(self, site: Site, before: Before) -> Undone:
        """All as it was; one that somebody has edited since is his, with all that belongs to it."""
        now = site.host.state(self.path)
        if now is not None and now.content != self.content.encode():
            return Undone("kept", f"{self.path} was edited since and is kept, enabled as it is")
        read = self._is_read(site.host)
        if self.link and site.host.link_target(self.link) == self.path:
            site.host.remove(self.link)
        back = [path for path, target in before["links"].items() if target and _put_back(site.host, path, target)]
        undone = super().undo(site, before)
        if undone.state != "restored":
            return undone
        former = before["file"] is not None and (not self.link or before["links"][self.link] == self.path)
        out = self._out_of_use(site, back, read=read, former=former) if site.host.which(self.test[0]) else None
        has = "has our former virtual host again" if former else "no longer has our virtual host"
        return out or Undone("restored", f"{self.title} {has}; {undone.text}")

    def _is_read(self, host: Host) -> bool:
        """Whether the server was told to read ours: what it does not accept it was not."""
        there = host.exists(self.path) and (not self.link or host.link_target(self.link) == self.path)
        return there and host.which(self.test[0]) is not None and not self._refusal(host)

    def _out_of_use(self, site: Site, back: Sequence[str], *, read: bool, former: bool) -> Optional[Undone]:
        """Have the server read what is there now, if it has `read` ours; what came of it where that is not all as it was.

        `former`: one of an earlier run is there again, and sends them to the pool's site, too. Where none is, and somebody is sent
        there all the same, it still goes by ours, which an undo before this one has taken away in vain; or by one of the operator's.
        """
        kept = ""
        refusal = self._refusal(site.host)
        if refusal:
            for path in back:
                site.host.remove(path)
            kept = f"{' and '.join(back)} is not enabled again, for {self.title} would not accept that: {refusal}"
            if not back or self._refusal(site.host):
                return Undone(
                    "failed", f"{self.title} does not accept its configuration, and was not told to read it: {refusal}"
                )
        live = self._live()
        if (live and (read or not former)) or (read and look(site.host, self.service).running):
            try:
                services(site.host).renew(site.host, self.service)
            except CommandFailed:  # what does not run cannot be told, and then another server sends them there
                if read or look(site.host, self.service).running:
                    raise
            if not former and not self._wait(live=False) and read:
                return Undone("failed", f"{self.title} still sends browsers to the pool's site")
        return Undone("kept", kept) if kept else None

    def _refusal(self, host: Host) -> str:
        """What the server has against its configuration, '' where it accepts it."""
        said = host.run(self.test, timeout_s=_TEST_S, check=False)
        return "" if said.code == 0 else said.said or f"exit code {said.code}"

    def _live(self) -> bool:
        """Whether the server answers by ours."""
        from ntpjoin.web import NOBODY  # noqa: PLC0415 - few runs have to do with it
        from ntpjoin.wire.visit import visit  # noqa: PLC0415

        return visit(self.addresses[0], NOBODY).to_pool

    def _wait(self, *, live: bool) -> bool:
        """Whether that comes about; it reads its configuration after it has said that it will."""
        deadline = monotonic() + _RENEWED_S
        while self._live() is not live:
            if monotonic() > deadline:
                return False
            sleep(0.2)
        return True


def _put_back(host: Host, path: str, target: str) -> bool:
    """Have a link there again, unless somebody has put another thing there; whether this was needed."""
    if host.link_target(path) or host.exists(path) or not host.exists(str(Path(path).parent)):
        return False
    host.link(path, target)
    return True

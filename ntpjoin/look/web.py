"""Which web server this host has, whom it serves, and what it answers to those that come by no name of a site."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from functools import partial
from typing import Optional

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Facts, Unit
from ntpjoin.host import apache, nginx, ports, webservers
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import digest, manager
from ntpjoin.host.reading import Process, processes
from ntpjoin.host.services.manager import services
from ntpjoin.job import Job
from ntpjoin.look.files import look_file
from ntpjoin.systems import Init
from ntpjoin.web import BY_HAND, NOBODY, WELL_KNOWN, Site, Visit, WebFacts, WebServer, host_of

#: Names of other sites that are asked for; each is one request.
_MOST_NAMES = 20

#: How long a server may take for its dump: it may look up names in DNS.
_DUMP_S = 60.0


def with_web(host: Host, facts: Facts) -> Facts:
    """The same facts with the web server as it is now, asked at the addresses that `facts.web` names."""
    addresses = facts.web.addresses if facts.web else facts.addresses
    running = tuple(processes(host))
    web = _server(host, running)
    web = replace(web, addresses=addresses, names=_own_names(host))
    if web.server is None:
        return replace(facts, web=web)
    row = _with_init(web.server, facts.system.init)
    web = replace(web, server=row)
    web = _configured(host, replace(web, running=_runs(host, row, facts.system.init, running)), row)
    web = replace(web, stock=_stock(host, facts, row))
    files = {**facts.files, row.path: look_file(host, row.path, facts.journal.written.get(row.path, ()))}
    return replace(facts, web=_visited(web, row) if web.running else web, files=files)


# --- which


def _server(host: Host, running: tuple[Process, ...]) -> WebFacts:
    """The one that holds TCP 80, as far as that can be seen; else the one that runs; else the only one that is there."""
    rows = webservers.installed(host)
    holders = ports.holders(host, 80, running, transport="tcp") or ()
    holding = {holder.program for holder in holders}
    alive = {ports.program_of(words[0]) for _, words in running}
    known = {name for row in rows for name in row.processes}
    stranger = next((name for name in sorted(holding) if name not in known), "")
    for seen in (holding, alive, known):
        fitting = [row for row in rows if seen.intersection(row.processes)]
        if len(fitting) == 1:
            return WebFacts(server=fitting[0], stranger=stranger)
        if fitting:
            titles = " and ".join(row.title for row in fitting)
            why, remedy = "neither of them listens on TCP 80", "start the one that shall"
            if not host.is_root():
                why, remedy = "which of them has TCP 80 can only be seen by root", "sudo ntpjoin web-redirect"
            return WebFacts(problem=f"{titles} are both here, and {why}", remedy=remedy)
    return _none(host, stranger)


def _none(host: Host, stranger: str) -> WebFacts:
    """Why there is no row."""
    if stranger:
        problem = f"TCP 80 is held by {stranger}; only Apache and nginx are known here"
        return WebFacts(problem=problem, remedy=BY_HAND, stranger=stranger)
    unread = next((row for row in webservers.WEB_SERVERS if host.which(row.program)), None)
    if unread:
        problem = f"{unread.title} is here, but {unread.main} has it read no folder of virtual hosts that is known"
        return WebFacts(problem=problem, remedy=BY_HAND)
    remedy = "ntpjoin installs none: where nobody serves the web, nobody is lost"
    return WebFacts(problem="this host has no web server", remedy=remedy)


def _with_init(row: WebServer, init: Optional[Init]) -> WebServer:
    """The row with its unit called as this init calls it."""
    return replace(row, unit=row.unit.removesuffix(".service")) if init == "init scripts" else row


def _runs(host: Host, row: WebServer, init: Optional[Init], running: tuple[Process, ...]) -> bool:
    """Whether it runs, as its unit; an init script of a web server does not tell where its pid file is."""
    if init == "systemd":
        return services(host).show(host, [row.unit]).get(row.unit, Unit(row.unit)).running
    return init is not None and any(ports.program_of(words[0]) in row.processes for _, words in running)


#: Names that every host has.
_EVERYBODYS = re.compile(r"localhost(\..*)?|ip6-.*")


def _own_names(host: Host) -> tuple[str, ...]:
    """What this host calls itself, with a domain: its own name, or what /etc/hosts has for that."""
    own = host.text("/proc/sys/kernel/hostname").strip().lower()
    lines = (line.partition("#")[0].lower().split() for line in host.text("/etc/hosts").splitlines())
    told = [name for words in lines if own and own in words[1:] for name in words[1:]]
    names = dict.fromkeys(name for name in (own, *told) if "." in name and not _EVERYBODYS.fullmatch(name))
    return tuple(names)


# --- what it has


def _configured(host: Host, web: WebFacts, row: WebServer) -> WebFacts:
    """Its sites, and where the links lead that ours has to do with."""
    paths = (row.link, row.default if row.gives_way else "")
    links = {path: _link(host, path) for path in paths if path}
    try:
        dump = host.run(row.dump, timeout_s=_DUMP_S).out
        sites = nginx.sites(dump) if row.software == "nginx" else _of_apache(host, row, dump)
    except CommandFailed as error:
        return replace(web, links=links, unclear=f"{row.title} does not accept its configuration: {error.message}")
    except ValueError as error:
        return replace(web, links=links, unclear=f"the configuration of {row.title} cannot be understood: {error}")
    return replace(web, links=links, sites=sites)


def _of_apache(host: Host, row: WebServer, dump: str) -> tuple[Site, ...]:
    """Its sites, and which of them come before ours whatever ours is called."""
    sites = apache.sites(dump, host.text)
    first = apache.earlier(row.main, host.text(row.main), row.link or row.path, [site.file for site in sites])
    return tuple(replace(site, earlier=site.file in first) for site in sites)


def _link(host: Host, path: str) -> Optional[str]:
    return host.link_target(path) or ("" if host.exists(path) else None)


def _stock(host: Host, facts: Facts, row: WebServer) -> tuple[str, ...]:
    """Which of the package's own files still are so, where their site shows nothing but the package's pages."""
    system = facts.system.row
    enabled = _resolved(host, row.default) if row.default else row.brought
    if system is None or enabled not in (row.brought, "") or not _only_its_pages(host, row):
        return ()
    brought = manager(system.manager).conffiles(host, row.packages)
    return tuple(
        path for path in dict.fromkeys((row.brought, row.main)) if _as_brought(host, path, brought.get(path, ""))
    )


def _resolved(host: Host, path: str) -> str:
    """Where a link leads, '' where nothing is."""
    target = host.link_target(path)
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return whole if target else path if host.exists(path) else ""


def _as_brought(host: Host, path: str, brought: str) -> bool:
    content = host.read(path)
    return bool(brought) and content is not None and digest(content, brought) == brought


def _only_its_pages(host: Host, row: WebServer) -> bool:
    pages = dict(row.pages)
    left = WELL_KNOWN.strip("/")
    return all(
        name in pages and (not pages[name] or host.read(f"{row.root}/{name}") == host.read(pages[name]))
        for name in host.names(row.root)
        if name != left
    )


# --- what it answers


def _visited(web: WebFacts, row: WebServer) -> WebFacts:
    """Ask as strangers do, for what is to be left alone, and by the names of the other sites; all at once."""
    others = [site for site in web.sites if site.file != (row.link or row.path)]
    strangers = [(address, name, "/") for address in web.addresses for name in (host_of(address), NOBODY)]
    left = [(address, host_of(address), f"{WELL_KNOWN}ntpjoin") for address in web.addresses]
    known = [(address, name, "/") for address, name in _known(web, others)]
    return replace(web, visits=_all(strangers), left=_all(left), known=_all(known))


def _all(questions: list[tuple[str, str, str]]) -> tuple[Visit, ...]:
    from ntpjoin.wire.visit import visit  # noqa: PLC0415 - sockets only where something is asked

    jobs = [Job(partial(visit, *question)) for question in questions]
    return tuple(job.result() for job in jobs)


def _known(web: WebFacts, sites: list[Site]) -> list[tuple[str, str]]:
    """The first names of sites, such as are no patterns, each with an address at which it is asked."""
    found: dict[str, str] = {}
    for site in sites:
        place = next((one for one in web.addresses if any(listen.at(one) for listen in site.listens)), "")
        literal = (name for name in site.names if re.fullmatch(r"[a-z0-9.-]+", name))
        found.update({name: place for name in literal if place and name not in found})
    return [(place, name) for name, place in found.items()][:_MOST_NAMES]

"""Sending lost browsers to the pool's site: the virtual host, and what stands in its way. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.model import FAMILIES, Blocker, Note, Wish
from ntpjoin.provision.changes import ServeSite
from ntpjoin.provision.obstacles import unfinished_blockers
from ntpjoin.provision.plan import Plan
from ntpjoin.provision.render import virtual_host
from ntpjoin.systems import to_type
from ntpjoin.upstreams.grammar import parse_upstream
from ntpjoin.web import BY_HAND, POOL_SITE, Site, WebFacts, WebServer, default_at, family_of, host_of

COMMAND = "web-redirect"

#: What lost browsers type (abh/ntppool: docs/ntppool/tpl/join/virtual_host_example.html).
_POOL_NAMES = ("pool.ntp.org", "*.pool.ntp.org")

#: A longer one does not fit into nginx's table of names as it is unless told (server_names_hash_bucket_size), and nobody needs it.
_MOST_LETTERS = 46

_YOURS = "where it shall stand is yours to say: ntpjoin web-redirect prints the virtual host"


def decide_redirect(facts: Facts, web: WebFacts, *, applies: bool, take_default: bool) -> Plan:
    """The plan; of one that is not to be applied the host itself stands in no way.

    `take_default`: strangers may be taken from a site that has them only because it comes first.
    """
    last = facts.journal.last
    plan = Plan(last.wish if last else Wish(), last.pins if last else (), command=COMMAND)
    if web.server is None:
        return replace(plan, blockers=(Blocker("web-server", web.problem, web.remedy),))
    if applies and _others_do_it(facts, web, web.server):
        text = f"{web.server.title} sends lost browsers to {POOL_SITE} already, by a site that is not ours"
        return replace(plan, blockers=tuple(_host_blockers(facts)), notes=(Note(text),))
    found = (
        *(_host_blockers(facts) if applies else ()),
        *_web_blockers(facts, web, web.server, take_default=take_default),
    )
    change = _change(facts, web, web.server, plan.wish)
    notes = tuple(_notes(web, web.server, change, pending=not change.holds(facts)))
    return replace(plan, changes=(change,), notes=notes, blockers=found).on_disk(facts)


def _others_do_it(facts: Facts, web: WebFacts, row: WebServer) -> bool:
    return bool(web.visits) and all(visit.to_pool for visit in web.visits) and facts.files.get(row.path) is None


# --- the virtual host


def _change(facts: Facts, web: WebFacts, row: WebServer, wish: Wish) -> ServeSite:
    asked = tuple(address for address in web.addresses if _asked(web, row, address))
    others = _others(web)
    answered = tuple(dict.fromkeys(visit.name for visit in web.known if visit.status and not visit.to_pool))
    return ServeSite(
        path=row.path,
        content=virtual_host(row, _names(web, row, wish), _listens(web, others)),
        title=row.title,
        service=row.unit,
        link=row.link,
        instead=(row.default,) if row.gives_way and _makes_room(facts, web, row) else (),
        test=row.test,
        addresses=asked,
        names=answered,
    )


def _asked(web: WebFacts, row: WebServer, address: str) -> bool:
    """Whether ours will be asked at this address: nginx listens where its sites say, Apache where it does already."""
    seen = [visit for visit in web.visits if visit.address == address]
    return row.software == "nginx" or not seen or any(visit.status for visit in seen)


def _makes_room(facts: Facts, web: WebFacts, row: WebServer) -> bool:
    """Whether the package's own default site is enabled, or was until ours took its place. One of the operator's stays there."""
    if web.links.get(row.default) is None:
        return facts.files.get(row.path) is not None
    return row.brought in web.stock


def _others(web: WebFacts) -> tuple[Site, ...]:
    """The sites but for ours."""
    ours = {web.server.link, web.server.path} if web.server else set()
    return tuple(site for site in web.sites if site.file not in ours)


def _names(web: WebFacts, row: WebServer, wish: Wish) -> tuple[str, ...]:
    """By which names ours is asked, beside all that no site has: the pool's, and this host's names and addresses.

    A name that another site has, or may have, is left to that one.
    """
    taken = [name for site in _others(web) for name in site.names]
    own = [name for name in web.names if _is_name(name) and len(name) <= _MOST_LETTERS]
    addresses = [host_of(address) for address in dict.fromkeys((*web.addresses, *wish.public_addresses))]
    free = [name for name in own if not any(_may_be(pattern, name) for pattern in taken)]
    names = [name for name in (*_POOL_NAMES, *free, *addresses) if name not in taken]
    first = next((name for name in names if "*" not in name), f"{row.software}.invalid")
    return tuple(dict.fromkeys((first, *names)))


def _is_name(text: str) -> bool:
    with contextlib.suppress(UsageProblem):
        return parse_upstream(text) == text
    return False


def _may_be(pattern: str, name: str) -> bool:
    """Whether a site of that name, or with that pattern for names, may be asked by this one."""
    if pattern.startswith("."):  # nginx: the domain, and all below it
        return name == pattern[1:] or name.endswith(pattern)
    return pattern.startswith(("~", "$")) or fnmatchcase(name, pattern)


def _listens(web: WebFacts, others: tuple[Site, ...]) -> tuple[str, ...]:
    """Where nginx is to be asked: in the families that this host has; one socket where a site has both on one already."""
    both = any(len(listen.families) > 1 for site in others for listen in site.listens)
    families = {family_of(address) for address in web.addresses}
    words = {"IPv4": "80", "IPv6": "[::]:80"}
    return ("[::]:80",) if both else tuple(words[family] for family in FAMILIES if family in families)


# --- what is to be known, and what stands in the way


def _notes(web: WebFacts, row: WebServer, change: ServeSite, *, pending: bool) -> Iterator[Note]:
    for address in web.addresses:
        if address not in change.addresses:
            yield Note(
                f"{row.title} does not listen on TCP 80 at {address}: nobody is sent on from there", warning=True
            )
    left = [name for name in web.names if name not in change.content]
    if left:
        yield Note(f"{' and '.join(left)} is left to the site that has that name, or may have it")
    if pending:
        yield Note(f"{row.title} reads its whole configuration then, with whatever was edited in it since it last did")


def _host_blockers(facts: Facts) -> Iterator[Blocker]:
    if not facts.system.root:
        yield Blocker("not-root", "this needs root", "type the same with sudo before it")
    if facts.system.init is None:
        yield Blocker("init", "neither systemd nor init scripts start what runs here", _YOURS)
    if facts.journal.problem:
        yield Blocker("journal", facts.journal.problem, facts.journal.remedy)
    yield from unfinished_blockers(facts, COMMAND)


def _web_blockers(facts: Facts, web: WebFacts, row: WebServer, *, take_default: bool) -> Iterator[Blocker]:
    if web.stranger:
        text = f"TCP 80 is held by {web.stranger}, and {row.title} is not asked there"
        yield Blocker("web-server", text, BY_HAND)
    elif not web.running:
        yield Blocker("web-server", f"{row.unit} does not run", f"type: {to_type('start', row.unit)}")
    if not web.addresses:
        yield Blocker("web-server", "this host has no address at which it could be asked", "look at: ip address")
    elif not any(_asked(web, row, address) for address in web.addresses):
        text = f"{row.title} does not listen on TCP 80 at {' and '.join(web.addresses)}"
        yield Blocker("web-server", text, "have it listen there, or leave it so: then nobody is lost")
    if web.unclear:
        yield Blocker("web-config", web.unclear, f"look at: {' '.join(row.test)}")
    ours, link = facts.files.get(row.path), web.links.get(row.link)
    if ours is not None and not ours.ours:
        yield Blocker(
            "site-file",
            f"{row.path} is there, and not as ntpjoin wrote it",
            f"look at it, and move it away: ls -l {row.path}",
        )
    elif link not in (None, row.path):
        yield Blocker(
            "site-file", f"{row.link} is there, and does not lead to {row.path}", f"look at it: ls -l {row.link}"
        )
    if not web.unclear:
        yield from dict.fromkeys(
            blocker for address in web.addresses for blocker in _taken(web, row, address, take_default=take_default)
        )


def _taken(web: WebFacts, row: WebServer, address: str, *, take_default: bool) -> Iterator[Blocker]:
    """Why who comes by no name of a site to this address, or by the address itself, is not ours to send on."""
    others = _others(web)
    now = default_at(web.sites, address)
    if now is not None and now not in others:  # it is ours already
        return
    named = next((site for site in others if host_of(address) in site.names), None)
    site = default_at(others, address)
    if named:
        text = f"{named.called} has the address {address} for a name of its own"
        yield Blocker("default-site", text, _YOURS)
    elif site is None:
        if row.software == "apache" and row.main not in web.stock:
            text = f"what no site asks for gets Apache's main server, and {row.main} or its pages in {row.root} are not the package's"
            yield Blocker("default-site", text, _YOURS)
    elif site.file == (row.default or row.main):
        yield from _default(web, row, site, address)
    else:
        yield from _strangers(row, site, address, take_default=take_default)


def _default(web: WebFacts, row: WebServer, site: Site, address: str) -> Iterator[Blocker]:
    """Of the package's own default site."""
    if row.brought not in web.stock:
        text = f"the default site is not the package's own: {site.file} was edited, or {row.root} has pages of yours"
        yield Blocker("default-site", text, _YOURS)
    elif not row.gives_way and any(listen.default for listen in site.listens if listen.at(address)):
        text = f"the default site of {site.file} says that it is the default, and {row.title} takes one only"
        # Then that file is no longer the package's own, and we have to do with none that is not.
        remedy = (
            f"take the word default_server out of {site.file}, and put into {row.path} what ntpjoin web-redirect prints"
        )
        yield Blocker("default-site", text, remedy)


def _strangers(row: WebServer, site: Site, address: str, *, take_default: bool) -> Iterator[Blocker]:
    """Of a site of the operator's own."""
    listens = [listen for listen in site.listens if listen.at(address)]
    if not site.named or any(listen.default or listen.address for listen in listens):
        alone = f" to {address}" if any(listen.address for listen in listens) else ""
        text = f"who comes by no name of a site{alone} gets {site.called}, as it says"
        yield Blocker("default-site", text, _YOURS)
    elif site.earlier:
        text = f"who comes by no name of a site gets {site.called}, and {row.title} reads that before {row.link or row.path}"
        yield Blocker("default-site", text, _YOURS)
    elif not take_default:
        text = f"who comes by no name of a site gets {site.called}, only because {row.title} reads it first"
        yield Blocker("default-site", text, f"if they may be sent to {POOL_SITE} instead, add --take-default")

"""Web servers as they would be: what they print, what is found on their host, and the plan for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ntpjoin.facts import Facts, FileFact
from ntpjoin.host.webservers import NGINX_DEBIAN
from ntpjoin.provision.changes import ServeSite
from ntpjoin.provision.plan import Plan
from ntpjoin.provision.web import decide_redirect
from ntpjoin.web import NOBODY, POOL_SITE, Listen, Visit, WebFacts, WebServer, host_of
from ntpjoin.web import Site as WebSite
from tests.sample import OWN4, OWN6, changed, fresh

GOLDEN = Path(__file__).parent / "golden" / "web"
APACHE, NGINX = (GOLDEN / "apache.txt").read_text(), (GOLDEN / "nginx.txt").read_text()
ENABLED = "/etc/apache2/sites-enabled"
FILES = {
    f"{ENABLED}/0-ntpjoin.conf": (GOLDEN / "apache-redirect.conf").read_text(),
    f"{ENABLED}/000-default.conf": "<VirtualHost *:80>\n\t#ServerName www.example.com\n</VirtualHost>\n",
    f"{ENABLED}/alpha.conf": (
        '<VirtualHost *:80>\n  servername http://Alpha.example:80\n  ServerAlias "www.alpha.example" *.cdn.alpha.example\n'
        "</VirtualHost>\n<VirtualHost *:443>\n  ServerName other.example\n</VirtualHost>\n"
    ),
    f"{ENABLED}/beta.conf": "<VirtualHost *:80>\n  ServerName beta.example\n</VirtualHost>\n",
}
ADDRESS4, ADDRESS6 = "203.0.113.7", "2001:db8:113::7"

BOTH = (Listen("", ("IPv4",)), Listen("", ("IPv6",)))
DEFAULT = tuple(replace(listen, default=True) for listen in BOTH)
ALPHA = WebSite(("alpha.example", "www.alpha.example"), "/etc/nginx/sites-enabled/alpha", BOTH)
STOCK = WebSite((), NGINX_DEBIAN.default, DEFAULT, named=False)


def web(row: WebServer = NGINX_DEBIAN, *sites: WebSite, **parts: Any) -> WebFacts:
    """A web server with the package's default site, or these sites, which answers strangers with a page of its own."""
    pages = [(address, name, "/") for address in (OWN4, OWN6) for name in (host_of(address), NOBODY)]
    made = WebFacts(
        addresses=(OWN4, OWN6),
        server=row,
        running=True,
        sites=sites or (ALPHA, STOCK),
        stock=(row.brought, row.main),
        links={row.link: None, row.default: row.brought} if row.gives_way else {row.link: None} if row.link else {},
        names=("time1.example",),
        visits=tuple(Visit(*page, 200) for page in pages),
        known=tuple(Visit(OWN4, name, "/", 200) for one in sites[:1] or (ALPHA,) for name in one.names),
        left=tuple(Visit(address, host_of(address), "/.well-known/ntpjoin", 404) for address in (OWN4, OWN6)),
    )
    return replace(made, **parts)


def plan(found: WebFacts, *, take_default: bool = False, applies: bool = True, **parts: Any) -> Plan:
    facts = fresh(web=found, **parts)
    return decide_redirect(facts, found, applies=applies, take_default=take_default)


def codes(made: Plan) -> list[str]:
    return [blocker.code for blocker in made.blockers]


def change_of(made: Plan) -> ServeSite:
    [change] = made.changes
    assert isinstance(change, ServeSite)
    return change


def done(change: ServeSite, **parts: Any) -> Facts:
    """What is seen once it is in effect."""
    sent = tuple(replace(visit, status=301, location=POOL_SITE) for visit in web().visits)
    links = {change.link: change.path, **dict.fromkeys(change.instead)}
    ours = WebSite(("pool.ntp.org",), NGINX_DEBIAN.link, DEFAULT)
    found = web(NGINX_DEBIAN, ALPHA, ours, visits=sent, links=links, stock=(NGINX_DEBIAN.brought,), **parts)
    file = FileFact(change.content.encode(), 0o644, "root:root", ours=True)
    facts: Facts = changed(fresh(web=found), files={change.path: file})
    return facts

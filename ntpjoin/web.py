"""Web servers, as data: the shape of a row of their table (`host.webservers`), and what was seen of the one of this host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Optional

from ntpjoin.model import FAMILIES, Family
from ntpjoin.records import dataclass
from ntpjoin.systems import Evidence

#: The pool's site (abh/ntppool: docs/ntppool/tpl/join/virtual_host_example.html).
POOL_SITE = "https://www.ntppool.org/"

#: What can be done where we can do nothing.
BY_HAND = f"send them on by hand: status 301 to {POOL_SITE} for all but /.well-known/"

#: A name that no site has (RFC 2606), as strangers bring them.
NOBODY = "nobody.invalid"

#: What a virtual host must leave alone: who gives out certificates, and others, look there (RFC 8615).
WELL_KNOWN = "/.well-known/"


@dataclass(frozen=True)
class WebServer:
    """A web server as one distribution packs it: what it is called, how it is asked, and where its virtual hosts lie.

    `main` is its configuration, and has it read the folder of virtual hosts by the word `reads`. Ours is written to `path`, and where
    `link` is not '' the server finds it by that. `default` is the file of the site that gets what is for no other one, as the
    server names it, '' where that is the main server; the package brings it as `brought`, and it `gives_way` where two could not be
    the default. `root` is what that site shows; of it, `pages` are the package's: each is like the file named with it, or lies below
    /usr, where '' is named.
    """

    name: str
    software: Literal["apache", "nginx"]
    title: str
    program: str
    processes: tuple[str, ...]
    unit: str
    packages: tuple[str, ...]
    main: str
    reads: str
    path: str
    link: str
    test: tuple[str, ...]
    dump: tuple[str, ...]
    default: str
    brought: str
    gives_way: bool
    root: str
    pages: tuple[tuple[str, str], ...]
    evidence: Evidence


@dataclass(frozen=True)
class Listen:
    """Where a site is asked on TCP 80: one literal `address`, or '' for all of these `families`.

    It is `default` where its own words make it the one that gets what no other one asks for there.
    """

    address: str = ""
    families: tuple[Family, ...] = FAMILIES
    default: bool = False

    def at(self, address: str) -> bool:
        """Whether a request that comes to this address may be meant."""
        return self.address == address if self.address else family_of(address) in self.families


@dataclass(frozen=True)
class Site:
    """A virtual host that is asked on TCP 80: its own names, the file that has it, and where it is asked.

    Not `named`: it has no name of its own, or one that stands for all. `earlier`: its file is read before ours can be.
    """

    names: tuple[str, ...]
    file: str
    listens: tuple[Listen, ...]
    named: bool = True
    earlier: bool = False

    @property
    def called(self) -> str:
        """What to call it in a message."""
        return f"{self.names[0]} ({self.file})" if self.names else self.file


@dataclass(frozen=True)
class Visit:
    """What came of asking for a page at an address by a name: status and where it leads; `problem` where nothing came (status 0)."""

    address: str
    name: str
    path: str
    status: int = 0
    location: str = ""
    problem: str = ""

    @property
    def to_pool(self) -> bool:
        """Whether it leads to the pool's site, for good."""
        return self.status == 301 and self.location.startswith(POOL_SITE)

    def __str__(self) -> str:
        said = self.problem or f"{self.status}{f' to {self.location}' if self.location else ''}"
        return f"{self.address}, asked for http://{self.name}{self.path}: {said}"


@dataclass(frozen=True)
class WebFacts:
    """Which web server this host has, and what it answers at these of its `addresses`.

    `server` is None where there is none, or none that can be named: `problem` and `remedy` tell why, and what to do.
    `stranger` is a program of another kind that holds TCP 80.
    `sites` are those asked on TCP 80, in the order in which they count; `unclear` tells why they could not be seen.
    `stock` are the files that are as the package brought them, of a site that shows only the package's pages.
    `links` are where ours belongs, and the site that it takes the place of: where they lead, '' for a file, None where nothing is.
    `names` are what this host calls itself.
    `visits` are of strangers, `known` of the names of other sites, `left` of what must be left alone.
    """

    addresses: tuple[str, ...] = ()
    server: Optional[WebServer] = None
    problem: str = ""
    remedy: str = ""
    stranger: str = ""
    running: bool = False
    sites: tuple[Site, ...] = ()
    unclear: str = ""
    stock: tuple[str, ...] = ()
    links: Mapping[str, Optional[str]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    visits: tuple[Visit, ...] = ()
    known: tuple[Visit, ...] = ()
    left: tuple[Visit, ...] = ()


def family_of(address: str) -> Family:
    """IPv4 or IPv6."""
    return "IPv6" if ":" in address else "IPv4"


def host_of(address: str) -> str:
    """An address as browsers name it (RFC 3986, 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def default_at(sites: tuple[Site, ...], address: str) -> Optional[Site]:
    """The site that gets what no other one asks for at this address; None where none is asked there.

    One that names the address goes before those that are asked everywhere; of these the one that says that it is the default, or
    else the first (nginx.org: Server names, request processing; httpd.apache.org: An In-Depth Discussion of Virtual Host Matching).
    """
    there = [(site, listen) for site in sites for listen in site.listens if listen.at(address)]
    group = [one for one in there if one[1].address] or there
    chosen = [site for site, listen in group if listen.default] or [site for site, _ in group]
    return chosen[0] if chosen else None

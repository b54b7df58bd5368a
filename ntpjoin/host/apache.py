"""What Apache has for TCP 80, by its own dump of its virtual hosts and by their words in its files."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Callable

from ntpjoin.model import FAMILIES, Family
from ntpjoin.web import Listen, Site, family_of

#: `*:80  NAME (FILE:LINE)`, a lone virtual host, or `*:80  is a NameVirtualHost` with several of them below.
_GROUP = re.compile(r"(\S+):(\d+|\*)\s+(.*)")
_BELOW = re.compile(r"\s+port \S+ namevhost (.*)")
_ALIAS = re.compile(r"\s+(?:wild )?alias (\S+)")
_END = re.compile(r"\s*</VirtualHost>", re.IGNORECASE)
_NAMES = re.compile(r"\s*Server(Name|Alias)\s+(.*)", re.IGNORECASE)
#: What names files to read, and where they lie.
_READS = re.compile(r"(ServerRoot|Include|IncludeOptional)\s(.*)", re.IGNORECASE)
#: What brings lines that stand elsewhere.
_MORE = re.compile(r"\s*(?:Include|IncludeOptional|Use)\s.*", re.IGNORECASE)

#: Lines of one virtual host; one that is longer has no names that we know.
_MOST_LINES = 2000


def sites(dump: str, read: Callable[[str], str]) -> tuple[Site, ...]:
    """The virtual hosts of TCP 80, in the order in which they count. `read` gives the text of a file.

    ValueError where there are some for every port, or which they are is not told as it was seen of Apache 2.4.
    """
    found: list[Site] = []
    within = False
    for line in dump.splitlines():
        group, below, alias = _GROUP.fullmatch(line), _BELOW.fullmatch(line), _ALIAS.fullmatch(line)
        if group and not line[:1].isspace():
            within = group[2] == "80"
            if group[2] == "*":
                raise ValueError(f"a virtual host is for every port ({group[1]}:*)")
            if within:
                listen = _listen(group[1])
            if within and not group[3].startswith("is a NameVirtualHost"):
                found.append(_site(group[3], listen, read, lone=True))
        elif below and within:
            found.append(_site(below[1], listen, read, lone=False))
        elif alias and within and found:
            found[-1] = _called(found[-1], alias[1].lower())
    return tuple(found)


def earlier(main: str, text: str, ours: str, files: Iterable[str]) -> frozenset[str]:
    """Which of these files are read before `ours`, by the order in which the `main` one, of this `text`, names them.

    Of the virtual hosts that are asked everywhere the first one is the default. What stands in the main file itself is not told.
    """
    root, found = posixpath.dirname(main), set[str]()
    for line in text.splitlines():
        said = _READS.fullmatch(line.strip())
        if not said:
            continue
        path = posixpath.join(root, said[2].strip().strip("\"'"))
        if said[1].lower() == "serverroot":
            root = path
        else:
            named = {file for file in files if _names(path, file)}
            if _names(path, ours):
                return frozenset(found.union(file for file in named if file < ours))
            found |= named
    return frozenset()


def _names(path: str, file: str) -> bool:
    """Whether an Include of this path reads the file: of a folder it reads all that is below."""
    return fnmatch.fnmatchcase(file, path) or fnmatch.fnmatchcase(file, posixpath.join(path, "*"))


def _listen(address: str) -> Listen:
    literal = "" if address in ("*", "_default_") else address.strip("[]")
    families: tuple[Family, ...] = (family_of(literal),) if literal else FAMILIES
    return Listen(literal, families)


def _site(told: str, listen: Listen, read: Callable[[str], str], *, lone: bool) -> Site:
    """One of them: a lone one is dumped without its aliases, and one without a name of its own with the main server's."""
    name, _, place = told.rstrip().removesuffix(")").rpartition(" (")
    file, _, number = place.rpartition(":")
    if not file.startswith("/") or not re.fullmatch(r"[0-9]{1,9}", number):
        raise ValueError(f"it tells of a virtual host in words that are not known: {told.strip()[:80]!r}")
    lines = list(_lines(read(file), int(number)))
    kinds: dict[str, list[str]] = {"name": [], "alias": []}
    for kind, words in _words(lines):
        kinds[kind] += words
    names = tuple(dict.fromkeys(name.partition("://")[2] or name for name in (*kinds["name"], *kinds["alias"])))
    named = bool(kinds["name"]) and not any(map(_for_all, names))
    site = Site(names, file, (listen,), named)
    if any(map(_MORE.fullmatch, lines)):
        # Its name may stand there; and its aliases, which of a lone one nobody tells: any name may be one.
        site = _called(site, _bare(name))
        site = replace(site, names=(*site.names, "*")) if lone else site
    return site


def _called(site: Site, name: str) -> Site:
    """The site with a name more."""
    return replace(site, names=tuple(dict.fromkeys((*site.names, name))), named=site.named and not _for_all(name))


def _for_all(name: str) -> bool:
    return name.strip("*?.") == ""


def _lines(text: str, number: int) -> Iterator[str]:
    """What stands in the virtual host that begins in this line; a line that ends with a backslash goes on in the next one."""
    whole = ""
    for line in text.split("\n")[number : number + _MOST_LINES]:
        whole += line.removesuffix("\r")
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        if _END.match(whole):
            return
        yield whole
        whole = ""


def _words(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """'name' or 'alias', with the names, of each line that has some."""
    for line in lines:
        said = _NAMES.fullmatch(line)
        if said:
            yield said[1].lower(), [_bare(word) for word in said[2].replace('"', " ").replace("'", " ").split()]


def _bare(name: str) -> str:
    """Without the port that a ServerName may have."""
    return re.sub(r":\d+$", "", name.lower()) if not name.endswith("]") else name.lower()

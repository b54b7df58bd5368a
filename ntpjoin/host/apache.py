"""What Apache has for TCP 80, by its own dump of its virtual hosts and by their words in its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Callable

from ntpjoin.model import FAMILIES, Family
from ntpjoin.web import Listen, Site, family_of

#: `*:80  NAME (FILE:LINE)`, a lone virtual host, or `*:80  is a NameVirtualHost` with several of them below.
_GROUP = re.compile(r"(\S+):(\d+|\*)\s+(.*)")
_BELOW = re.compile(r"\s+port \S+ namevhost (.*)")
_END = re.compile(r"\s*</VirtualHost>", re.IGNORECASE)
_NAMES = re.compile(r"\s*Server(Name|Alias)\s+(.*)", re.IGNORECASE)

#: Lines of one virtual host; one that is longer has no names that we know.
_MOST_LINES = 2000


def sites(dump: str, read: Callable[[str], str]) -> tuple[Site, ...]:
    """The virtual hosts of TCP 80, in the order in which they count. `read` gives the text of a file.

    ValueError where there are some for every port, or which they are is not told as it was seen of Apache 2.4.
    """
    found: list[Site] = []
    within = False
    for line in dump.splitlines():
        group, below = _GROUP.fullmatch(line), _BELOW.fullmatch(line)
        if group and not line[:1].isspace():
            within = group[2] == "80"
            if group[2] == "*":
                raise ValueError(f"a virtual host is for every port ({group[1]}:*)")
            if within:
                listen = _listen(group[1])
            if within and not group[3].startswith("is a NameVirtualHost"):
                found.append(_site(group[3], listen, read))
        elif below and within:
            found.append(_site(below[1], listen, read))
    return tuple(found)


def _listen(address: str) -> Listen:
    literal = "" if address in ("*", "_default_") else address.strip("[]")
    families: tuple[Family, ...] = (family_of(literal),) if literal else FAMILIES
    return Listen(literal, families)


def _site(told: str, listen: Listen, read: Callable[[str], str]) -> Site:
    """One of them: a lone one is dumped without its aliases, and one without a name of its own with the main server's."""
    file, _, number = told.rstrip().removesuffix(")").rpartition(" (")[2].rpartition(":")
    if not file.startswith("/") or not re.fullmatch(r"[0-9]{1,9}", number):
        raise ValueError(f"it tells of a virtual host in words that are not known: {told.strip()[:80]!r}")
    kinds: dict[str, list[str]] = {"name": [], "alias": []}
    for kind, words in _words(read(file), int(number)):
        kinds[kind] += words
    names = tuple(dict.fromkeys(name.partition("://")[2] or name for name in (*kinds["name"], *kinds["alias"])))
    named = bool(kinds["name"]) and not any(name.strip("*?.") == "" for name in names)
    return Site(names, file, (listen,), named)


def _words(text: str, number: int) -> Iterator[tuple[str, list[str]]]:
    """'name' or 'alias', with the names, of the virtual host that begins in this line."""
    for line in text.splitlines()[number : number + _MOST_LINES]:
        if _END.match(line):
            return
        said = _NAMES.fullmatch(line)
        if said:
            yield said[1].lower(), [_bare(word) for word in said[2].replace('"', " ").replace("'", " ").split()]


def _bare(name: str) -> str:
    """Without the port that a ServerName may have."""
    return re.sub(r":\d+$", "", name.lower()) if not name.endswith("]") else name.lower()

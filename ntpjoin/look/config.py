"""What the daemon reads: our configuration, and beside it the operator's own lines."""

from __future__ import annotations

from functools import lru_cache
from typing import Optional

from ntpjoin.facts import Directive, Facts
from ntpjoin.host import ntpconf
from ntpjoin.host.machine import Host
from ntpjoin.systems import Row

#: ntpd gives up there (ntp_config.c, MAXINCLUDELEVEL).
_DEEPEST = 5


def main_directives(facts: Facts, row: Row) -> tuple[Directive, ...]:
    """What the daemon's main file says, as it was when these facts were looked at; nothing where there is none, or it is not seen."""
    file = facts.files.get(row.config)
    return _parsed(row.config, file.content) if file else ()


@lru_cache(maxsize=1)
def _parsed(path: str, content: bytes) -> tuple[Directive, ...]:
    """Once for all checks that ask for it."""
    return ntpconf.directives(path, content.decode(errors="replace"))


def look_directives(host: Host, row: Row) -> tuple[Directive, ...]:
    """The directives of all files that the daemon reads after ours, in its order; what cannot be read is left out."""
    return tuple(directive for path in _paths(host, row) for directive in _of_file(host, path, 0))


def look_unread(host: Host, row: Row) -> tuple[str, ...]:
    """Those of these files that are there, but not for us to read."""
    return tuple(path for path in _paths(host, row) if host.read(path) is None and _is_there(host, path))


def _is_there(host: Host, path: str) -> bool:
    try:
        return host.exists(path)
    except PermissionError:  # its folder may not be looked into
        return True


def _paths(host: Host, row: Row) -> list[str]:
    names = [name for name in host.names(row.snippets) if name.endswith(".conf")] if row.snippets else []
    return [f"{row.snippets}/{name}" for name in names] or [row.include]


def _of_file(host: Host, path: str, depth: int) -> tuple[Directive, ...]:
    """A file's directives, those of a file that it includes in the place of the line that does."""
    found: list[Directive] = []
    for directive in ntpconf.directives(path, host.text(path)):
        included = _included(directive)
        found += _of_file(host, included, depth + 1) if included and depth < _DEEPEST else [directive]
    return tuple(found)


def _included(directive: Directive) -> Optional[str]:
    words = directive.words
    return words[1] if words[0] == "includefile" and len(words) == 2 and words[1].startswith("/") else None

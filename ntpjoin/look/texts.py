"""The texts that a configuration is made of: a file, and all that it includes, as far as they are here."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Optional

from ntpjoin.errors import UsageProblem
from ntpjoin.host import ntpconf
from ntpjoin.host.machine import Host
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine

#: Nobody writes a longer one; NTPsec's own documentation of the language has a tenth of that.
LONGEST = 1 << 20
#: No more files are read than this, whoever includes whom.
MOST = 200


@dataclass(frozen=True)
class Texts:
    """Files by their absolute paths, None: it is there and may not be read, or is no plain file.

    `folders` has what an engine reads where a folder is named. `beside` are those that it reads after the file itself, unasked.
    """

    main: str
    files: Mapping[str, Optional[str]]
    folders: Mapping[str, tuple[str, ...]]
    beside: tuple[str, ...] = ()


def look_texts(host: Host, path: str, text: str, engine: Engine) -> Texts:
    """The texts that `text` is made of, which is the file `path`, or would be."""
    files: dict[str, Optional[str]] = {path: text}
    folders: dict[str, tuple[str, ...]] = {}
    beside = _in_folder(host, reparented("ntp.d", path, engine)) if engine == "ntpsec" else ()
    todo, seen = [*_included(path, text, engine), *beside], {path}
    while todo and len(files) < MOST:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        found = _in_folder(host, name) if engine == "ntpsec" else ()
        if found:
            folders[name] = found
            todo += found
            continue
        content = _content(host, name)
        if content is not None:
            files[name] = content
            todo += _included(name, content, engine)
        elif _is_there(host, name):
            files[name] = None
    return Texts(path, files, folders, beside)


def reparented(name: str, including: str, engine: Engine) -> str:
    """The absolute path of a file that another includes: NTPsec looks beside that one, classic ntpd where it was started, in /."""
    folder = posixpath.dirname(including) if engine == "ntpsec" else ""
    return posixpath.normpath(posixpath.join(folder or "/", name))


def _included(path: str, text: str, engine: Engine) -> Iterator[str]:
    for line in ntpconf.directives(path, text):
        if line.words[0] == "includefile" and len(line.words) > 1:
            yield reparented(line.words[1], path, engine)


def _in_folder(host: Host, path: str) -> tuple[str, ...]:
    """What NTPsec reads of a folder, in its order."""
    return tuple(f"{path}/{name}" for name in host.names(path) if name.endswith(".conf"))


def _content(host: Host, path: str) -> Optional[str]:
    try:
        content = host.given(path, LONGEST)
    except UsageProblem:
        return None
    return None if content is None else content.decode(errors="replace")


def _is_there(host: Host, path: str) -> bool:
    try:
        return host.exists(path)
    except PermissionError:  # its folder may not be looked into
        return True

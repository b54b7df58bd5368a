"""What nginx has for TCP 80, by the configuration that it dumps with all its files."""

from __future__ import annotations

import fnmatch
import ipaddress
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from ntpjoin.model import FAMILIES, Family
from ntpjoin.records import dataclass
from ntpjoin.web import Listen, Site, family_of

_FILE = re.compile(r"^# configuration file (/.*):$", re.MULTILINE)
#: A blank, a comment, a mark, a word in quotes, or a word: quotes, # and } mean something at its beginning only, { after $ nothing.
_TOKEN = re.compile(
    r"""(\s+|\#[^\n]*)|([{};])|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|((?:\\.|\$\{|[^\s;{}"'\\#])(?:\\.|\$\{|[^\s;{\\])*)""",
    re.DOTALL,
)
#: More than anybody writes: what goes on for so long reads itself.
_MOST_DIRECTIVES = 200_000
_HTTP_PORT = 80


@dataclass(frozen=True)
class Directive:
    """One directive: its words, and where it is a block what stands in it."""

    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()


def sites(dump: str) -> tuple[Site, ...]:
    """The servers that are asked on TCP 80, in the order in which they count. ValueError where the dump cannot be understood."""
    files = _files(dump)
    if not files:
        raise ValueError("it does not tell of its files")
    tree = _Tree(files)
    main = next(iter(files))
    found: list[Site] = []
    for path, directive in tree.within(main, files[main]):
        if directive.words[0] == "http":
            found += [
                _site(where, tuple(tree.within(where, server.block)))
                for where, server in tree.within(path, directive.block)
                if server.words[0] == "server"
            ]
    return tuple(site for site in found if site.listens)


class _Tree:
    """The files, each named in its place by `include`."""

    def __init__(self, files: Mapping[str, tuple[Directive, ...]]) -> None:
        self._files = files
        self._base = posixpath.dirname(next(iter(files)))
        self._left = _MOST_DIRECTIVES
        self._folders: dict[str, list[str]] = {}
        for path in files:
            self._folders.setdefault(posixpath.dirname(path), []).append(path)

    def within(self, path: str, block: Sequence[Directive]) -> Iterator[tuple[str, Directive]]:
        """What stands in a block, with what it includes, each with its file."""
        waiting = [(path, iter(block))]
        while waiting:
            file, rest = waiting[-1]
            directive = next(rest, None)
            if directive is None:
                waiting.pop()
                continue
            self._left -= 1
            if self._left < 0:
                raise ValueError("it does not come to an end")
            if directive.words[0] == "include" and len(directive.words) == 2:
                waiting += [(name, iter(self._files[name])) for name in reversed(self._named(directive.words[1]))]
            else:
                yield file, directive

    def _named(self, pattern: str) -> list[str]:
        """The files that an include names; as glob(7) has it, no * stands for a /."""
        whole = posixpath.join(self._base, pattern)
        folder = posixpath.dirname(whole)
        if re.search(r"[*?[]", folder):
            raise ValueError(f"it includes {pattern!r}")
        return [path for path in self._folders.get(folder, ()) if fnmatch.fnmatchcase(path, whole)]


def _files(dump: str) -> dict[str, tuple[Directive, ...]]:
    """The text of each file, in the order in which nginx reads them."""
    heads = list(_FILE.finditer(dump))
    ends = [head.start() for head in heads[1:]] + [len(dump)]
    return {head[1]: _parsed(dump[head.end() : end]) for head, end in zip(heads, ends)}


def _parsed(text: str) -> tuple[Directive, ...]:
    open_blocks: list[tuple[tuple[str, ...], list[Directive]]] = [((), [])]
    words: list[str] = []
    for mark, word in _tokens(text):
        if not mark:
            words.append(word)
            continue
        if (mark == "}") == bool(words) or (mark == "}" and len(open_blocks) == 1):
            raise ValueError(f"a {mark} stands where none belongs")
        if mark == "{":
            open_blocks.append((tuple(words), []))
        elif mark == ";":
            open_blocks[-1][1].append(Directive(tuple(words)))
        else:
            head, block = open_blocks.pop()
            open_blocks[-1][1].append(Directive(head, tuple(block)))
        words = []
    if words or len(open_blocks) > 1:
        raise ValueError("a file ends within a block")
    return tuple(open_blocks[0][1])


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Marks, and words without their quotes."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError("its words cannot be told apart")
        at = found.end()
        if found[1] is None:
            yield found[2] or "", next((word for word in found.groups()[2:] if word is not None), "")


def _site(file: str, block: Sequence[tuple[str, Directive]]) -> Site:
    names = [name.lower() for _, one in block if one.words[0] == "server_name" for name in one.words[1:]]
    listens = [one.words[1:] for _, one in block if one.words[0] == "listen" and len(one.words) > 1]
    heard = [listen for words in listens or [("80",)] for listen in _listen(words)]
    own = [name for name in names if re.search("[a-z0-9]", name)]
    # A pattern may stand for all.
    named = bool(own) and own == names and not any(name.startswith("~") for name in own)
    return Site(tuple(own), file, tuple(heard), named)


#: A `listen` by a name, whose addresses are not known here, on this port.
_BY_NAME = re.compile(r"[a-z0-9._-]+:(\d{1,5})(?:-(\d{1,5}))?")
#: The other forms: a port, an address with or without one (ngx_http_core_module).
_LISTEN = re.compile(r"(?:(\[[0-9a-f:.]+\]|\*|[0-9]+(?:\.[0-9]+){3})(?::|$))?(\d{1,5})?(?:-(\d{1,5}))?")


_EVERYWHERE: Mapping[str, tuple[Family, ...]] = {
    "*": FAMILIES[:1],
    "0.0.0.0": FAMILIES[:1],  # noqa: S104 - it is read, not bound
    "::": FAMILIES[1:],
}


def _listen(words: Sequence[str]) -> Iterator[Listen]:
    """Where a `listen` on TCP 80 is heard; nowhere where it is for another port, or a file."""
    if words[0].startswith("unix:"):
        return
    found, named = _LISTEN.fullmatch(words[0].lower()), _BY_NAME.fullmatch(words[0].lower())
    first, last = named.groups() if named else found.groups()[1:] if found else (None, None)
    low = int(first or _HTTP_PORT)
    if not low <= _HTTP_PORT <= int(last or low):
        return
    if found is None:
        raise ValueError(f"it listens on {words[0][:80]!r}, and where that is cannot be told")
    address = found[1]
    literal = str(ipaddress.ip_address(address.strip("[]"))) if address not in (None, "*") else "*"
    wild = _EVERYWHERE.get(literal)
    families: tuple[Family, ...] = wild or (family_of(literal),)
    if literal == "::" and "ipv6only=off" in words:
        families = FAMILIES
    yield Listen("" if wild else literal, families, "default_server" in words or "default" in words)

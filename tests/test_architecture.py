"""The house keeps its shape: who may import whom, who may touch what, and how long anything may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import pytest

PACKAGE = Path(__file__).parents[1] / "ntpjoin"

#: Imports point from a room to those above it. Rooms on one line may not import each other.
_FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"model", "errors", "facts", "board", "firewall", "job", "records", "surroundings", "systems", "web"}),
    frozenset({"host", "wire"}),
    frozenset({"look"}),
    frozenset({"upstreams"}),
    frozenset({"checks"}),
    frozenset({"provision"}),
    frozenset({"show"}),
    frozenset({"cli", "commands"}),
    frozenset({"archive", "__main__"}),
)
#: Rooms of one floor that are one thing in several files.
_TOGETHER = (
    frozenset({"model", "errors", "facts", "board", "firewall", "job", "records", "surroundings", "systems", "web"}),
    frozenset({"cli", "commands"}),
)

_PROCESS_MODULES = frozenset({"subprocess", "pty", "multiprocessing"})
_PROCESS_CALLS = frozenset(
    {"os.system", "os.popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.posix_spawnp", "os.startfile"}
)
_SOCKET_MODULES = frozenset(
    {"socket", "ssl", "select", "selectors", "socketserver", "asyncio", "dns", "ntplib", "http", "urllib"}
)
#: Not the network: the pipe from the daemon whose configuration is tried is read with a time limit.
_SOCKET_EXEMPT = {("host/ntpd.py", "selectors")}
_WALL_CLOCK = frozenset(
    {
        "time.time",
        "time.time_ns",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.localtime",
        "time.gmtime",
    }
)
_CLOCKLESS_ROOMS = frozenset({"provision", "checks", "host"})

MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 40


def room(path: str) -> str:
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


def floor(name: str) -> int:
    [number] = [number for number, rooms in enumerate(_FLOORS) if name in rooms]
    return number


def imports(tree: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also inside functions; what only the type checker sees is left out."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from imports(ast.Module([other], []), path)
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield child.lineno, alias.name
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                folders = ["ntpjoin", *path.split("/")[:-1]]
                base = ".".join([*folders[: len(folders) - child.level + 1], *filter(None, [base])])
            for alias in child.names:
                yield child.lineno, f"{base}.{alias.name}"
        yield from imports(child, path)


def names_used(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every attribute and name, an imported name by its full one."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Import):
            known.update({alias.asname: alias.name for alias in node.names if alias.asname})
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)):
            head, dot, rest = ast.unparse(node).partition(".")
            yield node.lineno, known.get(head, head) + dot + rest


def wrong_imports(path: str, tree: ast.AST) -> Iterator[str]:
    """Imports that point down the house, or to the neighbour."""
    here = room(path)
    for line, name in imports(tree, path):
        parts = name.split(".")
        if parts[0] != "ntpjoin":
            continue
        there = parts[1] if len(parts) > 1 else ""
        if path == "__init__.py" or there in (here, "__version__"):
            continue
        if floor(there) > floor(here):
            yield f"{path}:{line}: {here} may not import {there}, which stands on it"
        elif floor(there) == floor(here) and not any({here, there} <= one for one in _TOGETHER):
            yield f"{path}:{line}: {here} may not import its neighbour {there}"


def wrong_processes(path: str, tree: ast.AST) -> Iterator[str]:
    """Processes outside host/, and shells anywhere."""
    if room(path) != "host":
        for line, name in imports(tree, path):
            if name.split(".")[0] in _PROCESS_MODULES:
                yield f"{path}:{line}: {name} belongs into host/"
        for line, name in names_used(tree):
            if name in _PROCESS_CALLS or name.startswith(("os.exec", "os.spawn")):
                yield f"{path}:{line}: {name} belongs into host/"
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False":
            yield f"{path}:{node.value.lineno}: no shell"


def wrong_sockets(path: str, tree: ast.AST) -> Iterator[str]:
    """Sockets and what brings them outside wire/."""
    if room(path) == "wire":
        return
    for line, name in imports(tree, path):
        module = name.split(".")[0]
        if module in _SOCKET_MODULES and (path, module) not in _SOCKET_EXEMPT:
            yield f"{path}:{line}: {name} belongs into wire/"


def wrong_prints(path: str, tree: ast.AST) -> Iterator[str]:
    """Words for the user from anybody but show/ and cli; archive.py speaks where nothing else can run yet."""
    if room(path) in ("show", "cli", "archive"):
        return
    for line, name in names_used(tree):
        if name in (
            "print",
            "input",
            "click.echo",
            "sys.stdout",
            "sys.stderr",
            "sys.stdin",
            "sys.__stdout__",
            "sys.__stderr__",
        ):
            yield f"{path}:{line}: {name} belongs into show/"


def wrong_clocks(path: str, tree: ast.AST) -> Iterator[str]:
    """The time of day where deadlines are kept: it will jump under us."""
    if room(path) in _CLOCKLESS_ROOMS:
        for line, name in names_used(tree):
            if name in _WALL_CLOCK or name.removeprefix("datetime.") in _WALL_CLOCK:
                yield f"{path}:{line}: {name} jumps; deadlines are monotonic"


def too_long(path: str, tree: ast.Module, text: str) -> Iterator[str]:
    """Modules and functions that do too much. A function counts from its def to its end."""
    lines = len(text.splitlines())
    if lines > MOST_LINES:
        yield f"{path}: {lines} lines, {MOST_LINES} are allowed"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > MOST_LINES_OF_A_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, {MOST_LINES_OF_A_FUNCTION} are allowed"


def undescribed(path: str, tree: ast.Module) -> Iterator[str]:
    """A module that does not say what it is for."""
    if not ast.get_docstring(tree):
        yield f"{path}: no docstring"


def costly_classes(path: str, tree: ast.Module) -> Iterator[str]:
    """Classes that are compiled whenever they are imported."""
    if path == "records.py":
        return
    for line, name in [*imports(tree, path), *names_used(tree)]:
        if name == "dataclasses.dataclass":
            yield f"{path}:{line}: a dataclass is of ntpjoin.records"


Rule = Callable[[str, ast.Module, str], Iterator[str]]

RULES: dict[str, Rule] = {
    "imports point one way": lambda path, tree, _: wrong_imports(path, tree),
    "processes are started in host": lambda path, tree, _: wrong_processes(path, tree),
    "sockets are opened in wire": lambda path, tree, _: wrong_sockets(path, tree),
    "only show prints": lambda path, tree, _: wrong_prints(path, tree),
    "deadlines are monotonic": lambda path, tree, _: wrong_clocks(path, tree),
    "everything is short": too_long,
    "dataclasses cost little": lambda path, tree, _: costly_classes(path, tree),
    "every module says what it is for": lambda path, tree, _: undescribed(path, tree),
}


def faults(rule: str, path: str, text: str) -> list[str]:
    return list(RULES[rule](path, ast.parse(text), text))


@pytest.mark.parametrize("rule", RULES)
def test_in_the_whole_house(rule: str) -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 40
    found = [fault for file in files for fault in faults(rule, str(file.relative_to(PACKAGE)), file.read_text())]
    assert not found, "\n".join(found)


_BAD: list[tuple[str, str, str, Optional[str]]] = [
    ("imports point one way", "host/x.py", "from ntpjoin.look.look import look", "may not import look"),
    ("imports point one way", "look/x.py", "import ntpjoin.provision.plan", "may not import provision"),
    ("imports point one way", "host/x.py", "from ntpjoin.wire import ntp", "its neighbour wire"),
    ("imports point one way", "wire/x.py", "from ntpjoin.host.machine import Host", "its neighbour host"),
    ("imports point one way", "wire/x.py", "def f():\n    from ntpjoin import show", "may not import show"),
    ("imports point one way", "model.py", "from ntpjoin.host import apt", "may not import host"),
    ("imports point one way", "checks/x.py", "from ..provision.plan import Plan", "may not import provision"),
    ("imports point one way", "provision/changes/x.py", "from ...show import text", "may not import show"),
    ("imports point one way", "provision/changes/x.py", "from ..plan import Plan", None),
    ("imports point one way", "show/x.py", "from ntpjoin.provision.plan import Plan", None),
    ("imports point one way", "facts.py", "from ntpjoin.model import Wish", None),
    ("imports point one way", "host/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ntpjoin.show.text", None),
    ("imports point one way", "host/x.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import ntpjoin.show.text", "may not import show"),
    ("processes are started in host", "look/x.py", "import subprocess", "belongs into host"),
    ("processes are started in host", "look/x.py", "from subprocess import run", "belongs into host"),
    ("processes are started in host", "show/x.py", "import os\nos.system('x')", "os.system"),
    ("processes are started in host", "show/x.py", "from os import execvp\nexecvp('x', [])", "os.execvp"),
    ("processes are started in host", "cli.py", "import pty", "belongs into host"),
    ("processes are started in host", "host/x.py", "import subprocess\nsubprocess.run('x', shell=True)", "no shell"),
    ("processes are started in host", "host/x.py", "import subprocess", None),
    ("sockets are opened in wire", "look/x.py", "import socket", "belongs into wire"),
    ("sockets are opened in wire", "host/x.py", "import selectors", "belongs into wire"),
    ("sockets are opened in wire", "host/ntpd.py", "import socket", "belongs into wire"),
    ("sockets are opened in wire", "checks/x.py", "import dns.resolver", "belongs into wire"),
    ("sockets are opened in wire", "checks/x.py", "from ntpjoin.wire.dns import resolve", None),
    ("sockets are opened in wire", "wire/x.py", "import socket, ssl, ntplib", None),
    ("only show prints", "checks/x.py", "print('x')", "print belongs"),
    ("only show prints", "host/x.py", "import sys\nsys.stderr.write('x')", "sys.stderr belongs"),
    ("only show prints", "commands/x.py", "from sys import stdout\nstdout.write('x')", "sys.stdout belongs"),
    ("only show prints", "show/x.py", "print('x')", None),
    ("deadlines are monotonic", "provision/x.py", "import time\ntime.time()", "time.time jumps"),
    ("deadlines are monotonic", "host/x.py", "from time import time\ntime()", "time.time jumps"),
    ("deadlines are monotonic", "checks/x.py", "from datetime import datetime\ndatetime.now()", "now jumps"),
    ("deadlines are monotonic", "checks/x.py", "import datetime as d\nd.datetime.now()", "now jumps"),
    ("deadlines are monotonic", "wire/ntp.py", "import time\ntime.time_ns()", None),
    ("deadlines are monotonic", "host/x.py", "from time import monotonic\nmonotonic()", None),
    ("everything is short", "x.py", "pass\n" * 301, "301 lines"),
    ("everything is short", "x.py", "pass\n" * 300, None),
    ("everything is short", "x.py", "def f():\n" + "    pass\n" * 40, "f has 41 lines"),
    ("everything is short", "x.py", "class A:\n    def f(self):\n" + "        pass\n" * 40, "f has 41 lines"),
    ("everything is short", "x.py", "def f():\n" + "    pass\n" * 39, None),
    ("dataclasses cost little", "x.py", "from dataclasses import dataclass, field", "of ntpjoin.records"),
    ("dataclasses cost little", "x.py", "import dataclasses as d\n@d.dataclass\nclass A: x: int", "of ntpjoin.records"),
    ("dataclasses cost little", "x.py", "import dataclasses\ndataclasses.replace(1)", None),
    ("dataclasses cost little", "x.py", "from ntpjoin.records import dataclass\n@dataclass(frozen=True)\nclass A: x: int", None),
    ("every module says what it is for", "x.py", "x = 1", "no docstring"),
    ("every module says what it is for", "x.py", '"""It is."""', None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text", "fault"), _BAD)
def test_each_rule_can_fail(rule: str, path: str, text: str, fault: Optional[str]) -> None:
    found = faults(rule, path, text)
    assert (len(found) >= 1 and all(fault in one for one in found)) if fault else not found


def test_every_room_has_its_floor() -> None:
    rooms = {room(str(path.relative_to(PACKAGE))) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == set().union(*_FLOORS)

"""The reference and the program tell the same: every command, option, exit code, JSON key, check, system and column."""

from __future__ import annotations

import ast
import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from ntpjoin import errors
from ntpjoin.checks import standing
from ntpjoin.checks.complaints import complaints
from ntpjoin.checks.joining import Door, NetSpeed, Point
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.verify import judge
from ntpjoin.cli import cli
from ntpjoin.facts import Pinned, Setter
from ntpjoin.host.distros import ROWS
from ntpjoin.host.machine import Host
from ntpjoin.host.webservers import WEB_SERVERS
from ntpjoin.look.pool import Checked, Monitor, Record, Remark
from ntpjoin.look.texts import Texts
from ntpjoin.model import Asked, Candidate, CheckState, Consent, Dropped, Resolved, Undone
from ntpjoin.provision.plan import decide
from ntpjoin.provision.undo import TakenBack
from ntpjoin.show import catalogue, detection, joining, jsons, probe, standings, survey
from ntpjoin.show import lint as linting
from ntpjoin.show.joining import Registration
from ntpjoin.show.standings import Told
from ntpjoin.systems import Evidence, Rival
from ntpjoin.upstreams import columns
from ntpjoin.upstreams.catalogue import LOCAL, Server, load
from ntpjoin.upstreams.places import Place
from ntpjoin.web import WebServer
from tests.documents import REPOSITORY, documented, page, rows, section
from tests.judged import GOOD
from tests.probed import AGAINST, MANY
from tests.sample import BOARD, PINS, TIMESYNCD, TIMESYNCD_UNIT, WISH, choice, converged, detected, fresh


def every_command(group: click.Group, above: str = "") -> dict[str, click.Command]:
    """All of a group, a group within it before its own: "detect", "upstreams", "upstreams list"."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[above + name] = command
        if isinstance(command, click.Group):
            found |= every_command(command, f"{above}{name} ")
    return found


COMMANDS = every_command(cli)


def options_of(name: str) -> list[click.Option]:
    return [param for param in COMMANDS[name].params if isinstance(param, click.Option)]


COMMON = {"--json", "-v", "--verbose", "-q", "--quiet", "--color"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_of_a_command_is_in_its_table_and_no_other(name: str) -> None:
    options = {one for option in options_of(name) for one in (*option.opts, *option.secondary_opts)}
    assert documented(section(page("cli.md"), f"## {name}")) == options - COMMON


def test_the_options_of_all_commands_are_in_theirs() -> None:
    assert documented(section(page("cli.md"), "## On every command")) == COMMON
    assert documented(page("cli.md").split("\n## ", maxsplit=1)[0]) == {"--version", "-h", "--help"}


def test_every_command_is_documented_with_its_own_words_and_no_other() -> None:
    headings = set(re.findall(r"^## ([a-z-]+(?: [a-z]+)*)$", page("cli.md"), re.MULTILINE))
    assert headings == set(COMMANDS)
    for name, command in COMMANDS.items():
        first = (command.help or "").split("\n\n", 1)[0].split("\n", 1)[0]
        assert first.split(". ")[0].rstrip(".") in section(page("cli.md"), f"## {name}"), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_help_says_of_an_option_stands_in_the_reference(name: str) -> None:
    for option in options_of(name):
        assert (option.help or "").rstrip(".") in page("cli.md"), option.name


def leaves(kind: type[errors.NtpjoinError]) -> Iterator[type[errors.NtpjoinError]]:
    yield kind
    for leaf in kind.__subclasses__():
        yield from leaves(leaf)


def test_every_exit_code_is_documented() -> None:
    told = {int(word) for word in re.findall(r"^\| (\d+) \|", page("exit-codes.md"), re.MULTILINE)}
    assert {leaf.exit_code for leaf in leaves(errors.NtpjoinError)} <= told
    assert told == {0, 1, 2, 3, 4, 5, 130, 143}


def keys(value: Any, above: str = "") -> Iterator[str]:
    """'changes[].kind' and the like, of everything in a page."""
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{above}.{name}" if above else name
            yield path
            yield from keys(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{above}[]")


def everything() -> dict[str, Any]:
    """Every key that any command prints, with something in every list."""
    import json

    facts = fresh(firewall__manager="rules", system__root=False, packages__upgrade=(Pinned("python3-ntp", "1"),))
    measured = choice(dropped=(Dropped("x", "y"),))
    plan = decide(facts, WISH, Consent(attended=True), pins=PINS, choice=measured)
    assert plan.blockers
    assert plan.notes
    found = json.loads(jsons.envelope("plan", 0, **jsons.plan(facts, plan), errors=jsons.error(errors.Blocked("x"))))
    found |= jsons.checks(judge(converged(), WISH, PINS, GOOD), BOARD)
    asked = Candidate(Resolved("x"), (Asked("192.0.2.1"),))
    found |= jsons.resolved((asked,), {"x": asked.asked}, measured)
    timesyncd = (Rival(TIMESYNCD.name, TIMESYNCD_UNIT), fresh().unit(TIMESYNCD_UNIT))
    found |= json.loads(
        json.dumps(
            detection.page(detected(converged(setters=(Setter("x", "y", "z"),)), rivals=(timesyncd,), unknown=("x",)))
        )
    )
    found["content"] = ""
    found["taken_back"] = jsons.taken_back((TakenBack(1, plan.changes[0], Undone("kept", "x")),))
    assert isinstance(found, dict)
    return found


def listed() -> dict[str, Any]:
    """Every key of a catalogue, of which a plan has some under the same names."""
    return catalogue.page([catalogue.Line(Server("ntp1.example.net"), 1.0, "")], 0, Place(0.0, 0.0, ""))


def surveyed() -> dict[str, Any]:
    """Every key of a survey."""
    asked = Candidate(Resolved("x"), (Asked("192.0.2.1"),))
    return survey.data((asked,), {"x": Server("x")}, choice())


def linted() -> dict[str, Any]:
    """Every key of what is found in a configuration."""
    found = lint(Texts("/x", {"/x": "bogus"}, {}), Dialect("classic"))
    return linting.page(linting.Report(1, "/x", Dialect("classic"), found))


def scored() -> dict[str, Any]:
    """Every key of a score."""
    known = Record("x", (Monitor(1, "x", "active", 20.0),), (), (Checked(1, 1, 20.0, 1.0),))
    told = Told(standing.judge("x", known, 2.0), complaints([Remark(1, 1, "x", -5.0, None, 0, "x")], known.monitors))
    return standings.data(standings.Scores((told,), 0, 2.0))


def registering() -> dict[str, Any]:
    """Every key of a registration."""
    door = Door("x", "x")
    made = Registration((Point("x", CheckState.OK, "x"),), (door,), {}, {}, NetSpeed(512, "x"))
    return joining.data(made)


def test_every_json_key_is_documented_and_no_other() -> None:
    pages = (
        everything(),
        listed(),
        surveyed(),
        scored(),
        registering(),
        linted(),
        probe.data(MANY),
        probe.data(AGAINST),
    )
    printed = {key for one in pages for key in keys(one)}
    answers = {key for key in printed if key.startswith("candidates[].addresses[].")}
    assert answers == as_of(printed, "names[].addresses[].", "candidates[].addresses[].")
    for own, others in (("probed[].checks[].", "checks[]."), ("probed[].answer.", "names[].addresses[].")):
        same = as_of(printed, others, own)
        assert same <= printed
        answers |= same
    text = page("json.md")
    within = {"packages", "os", "machine", "ntpd", "firewall", "firewall.admits"}  # documented by what is in it
    assert documented(text.replace(section(text, "### Blockers"), "")) == printed - within - answers


def as_of(printed: set[str], theirs: str, ours: str) -> set[str]:
    """The keys that begin so, below another one."""
    return {ours + key[len(theirs) :] for key in printed if key.startswith(theirs)}


def constants(folder: str, call: str, files: str = "**/*.py", without: str = "") -> set[str]:
    """The first argument of every such call below a folder of the package, as a pattern where it is put together."""
    found = set()
    for file in (REPOSITORY / "ntpjoin" / folder).glob(files):
        if without in file.relative_to(REPOSITORY / "ntpjoin").parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == call and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
                elif isinstance(first, ast.JoinedStr):
                    found.add(
                        "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in first.values)
                    )
    return found


def blocker_codes() -> set[str]:
    return constants("provision", "Blocker")


def test_every_blocker_is_documented_and_no_other() -> None:
    assert len(blocker_codes()) > 10
    assert documented(section(page("json.md"), "### Blockers").split("```", maxsplit=1)[0]) == blocker_codes()


def when_it_fails() -> str:
    return (REPOSITORY / "docs" / "how-to" / "when-it-fails.md").read_text()


def test_what_to_type_stands_there_for_every_blocker_and_no_other() -> None:
    assert documented(section(when_it_fails(), "## 3: it did not begin")) == blocker_codes()


def test_every_message_that_is_explained_is_one_of_the_programs() -> None:
    """Its words, as they stand in the source, however they are put together around them."""
    told = [row.strip("`") for row in rows(section(when_it_fails(), "## 1: it failed, and all is taken back"))[1:]]
    source = "".join(re.sub(r'"\n\s*f?"', "", file.read_text()) for file in (REPOSITORY / "ntpjoin").rglob("*.py"))
    assert len(told) == 10
    assert [words for words in told if words not in source] == []


def test_every_check_is_documented_and_no_other() -> None:
    written = constants("checks", "Check", without="lint") - probed_checks()
    assert len(written) > 10
    # Both are built from a family.
    families = {f"{head}.{family}" for head in ("answers", "closed") for family in ("ipv4", "ipv6")}
    assert documented(page("checks.md")) == {one for one in written if "*" not in one} | families
    assert {one for one in written if "*" in one} == {"answers.*"}


def probed_checks() -> set[str]:
    """The checks of `probe`; none of `verify` is called so."""
    return constants("checks", "Check", "probe.py") | constants("checks", "Check", "answered.py")


def test_every_check_of_probe_is_documented_and_no_other() -> None:
    assert len(probed_checks()) > 10
    assert documented(section(page("probe.md"), "## Checks")) == probed_checks()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_supported_system_is_documented_with_what_it_rests_on(row: Any) -> None:
    table = page("supported-systems.md").split("What a row rests on", maxsplit=1)[0]
    [line] = [line for line in table.splitlines() if f"`{row.name}`" in line]
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    assert cells[0] == f"{row.title}, `{row.name}`"
    assert cells[1] == row.manager
    assert cells[3] == {"ntpsec": "NTPsec", "classic": "classic"}[row.engine]
    assert cells[6:] == [row.python, row.evidence]
    for word in (*row.packages, row.unit, row.config):
        assert f"`{word}`" in line
    for rival in row.rivals:
        assert f"`{rival.package}`" in page("supported-systems.md") or not rival.package


def test_what_a_row_may_rest_on_is_explained() -> None:
    assert set(typing.get_args(Evidence)) == set(
        re.findall(r"^- \*\*(\w+)\*\*:", page("supported-systems.md"), re.MULTILINE)
    )


def test_no_other_system_is_documented_as_supported() -> None:
    table = page("supported-systems.md").split("What a row rests on", maxsplit=1)[0]
    assert len(rows(table)) - 1 == len(ROWS)


@pytest.mark.parametrize("row", WEB_SERVERS, ids=lambda row: row.name)
def test_every_web_server_is_documented_with_what_it_rests_on(row: WebServer) -> None:
    table = section(page("supported-systems.md"), "## Web servers")
    [line] = [line for line in table.splitlines() if f"`{row.name}`" in line]
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    assert (cells[0], cells[1], cells[-1]) == (f"{row.title}, `{row.name}`", f"`{row.path}`", row.evidence)
    assert ("link" in cells[2]) is bool(row.link)
    assert ("makes room" in cells[3]) is row.gives_way
    assert f"`{row.path}`" in page("files.md")


def test_no_other_web_server_is_documented() -> None:
    assert len(rows(section(page("supported-systems.md"), "## Web servers"))) - 1 == len(WEB_SERVERS)


def test_every_file_that_a_row_names_is_documented() -> None:
    text = page("files.md")
    for row in ROWS:
        for field in ("config", "include", "drift", "leapfile", "dhcp_config", "former_config"):
            assert f"`{getattr(row, field)}`" in text or not getattr(row, field)
        assert all(f"`{setting.path}`" in text for setting in row.dhcp)
    assert dataclasses.is_dataclass(ROWS[0])


def test_every_column_of_the_catalogue_is_documented_and_no_other() -> None:
    assert documented(section(page("catalogue.md"), "## Columns")) == set(columns.COLUMNS)
    for name in ("catalogue.md", "files.md", "cli.md"):
        assert f"`{LOCAL}`" in page(name)


def test_what_a_row_of_the_catalogue_rests_on_is_documented(tmp_path: Path) -> None:
    tags = {tag for server in load(Host(root=tmp_path)) for tag in server.source.split()}
    # A year or a domain stands behind some.
    kinds = {re.sub(r"^(ntp\.org-|operator:).*", r"\1", tag) for tag in tags}
    assert documented(section(page("catalogue.md"), "## Sources")) == kinds


def test_every_link_in_the_documentation_leads_somewhere() -> None:
    broken = [
        f"{file.relative_to(REPOSITORY)}: {target}"
        for file in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"))
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text())
        if "://" not in target and not (file.parent / target).exists()
    ]
    assert not broken

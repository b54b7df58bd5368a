"""The options that several commands take: each means the same everywhere."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Callable, Optional, TypeVar

import click

from ntpjoin.errors import UsageProblem, quoted, shown

F = TypeVar("F", bound=Callable[..., Any])

#: Where click keeps for us which upstreams were named more than once.
REPEATED = "ntpjoin.repeated"


def hosts(_context: click.Context, _argument: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names by the strict grammar alone, each once: which rule forbids one is what is asked for."""
    from ntpjoin.upstreams.grammar import parse_upstream  # noqa: PLC0415 - commands import what they need

    return tuple(dict.fromkeys(map(parse_upstream, values)))


#: What is typed to forget a remembered value.
_NONE = "none"

#: Path.absolute keeps "..".
_absolute: Callable[[str], str] = os.path.abspath


def _names(context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Upstreams by a strict grammar, and by the rules that need no look at anything; each once. A single 'none': nobody is named."""
    from ntpjoin.upstreams.rules import parse_named  # noqa: PLC0415

    if set(values) == {_NONE}:
        return ()
    counted = Counter(parse_named(value) for value in values)
    context.meta[REPEATED] = tuple(name for name, count in counted.items() if count > 1)
    return tuple(counted)


def _addresses(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses by the same grammar; a single 'none' stands for no address."""
    from ntpjoin.upstreams.grammar import parse_public_address  # noqa: PLC0415

    if set(values) == {_NONE}:
        return ()
    return tuple(dict.fromkeys(parse_public_address(value) for value in values))


def _resolvers(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> Optional[tuple[str, ...]]:
    """Addresses of DNS servers, each once; None, which is the system's, where there are none."""
    from ntpjoin.upstreams.grammar import parse_resolver  # noqa: PLC0415

    return tuple(dict.fromkeys(map(parse_resolver, values))) or None


def _seconds(context: click.Context, _option: click.Parameter, value: Optional[float]) -> Optional[float]:
    """A number of seconds; click's range lets through what is not a number."""
    if value is not None and math.isnan(value):
        raise UsageProblem("--wait: nan is no number of seconds", f"ntpjoin {context.info_name} --wait 120")
    return value


def _country(_context: click.Context, _option: click.Parameter, value: Optional[str]) -> Optional[str]:
    """Two letters, in upper case; '' for 'none'."""
    from ntpjoin.upstreams.places import parse_country  # noqa: PLC0415

    return _unless_none(value, parse_country)


def _near(_context: click.Context, _option: click.Parameter, value: Optional[str]) -> Optional[str]:
    """Latitude and longitude, checked; '' for 'none'."""
    from ntpjoin.upstreams.places import parse_near  # noqa: PLC0415

    return _unless_none(value, lambda text: parse_near(text).what)


def file(_context: click.Context, option: click.Parameter, value: Optional[str]) -> Optional[str]:
    """The absolute path of a file: what is read later lies below a root; '' for 'none'."""
    if value == "":
        raise UsageProblem(f"{option.opts[0]}: '' is no file", f"Name one: {option.opts[0]} FILE")
    return _unless_none(value, _absolute)


def written(_context: click.Context, option: click.Parameter, value: Optional[str]) -> str:
    """The absolute path of a file to write; '' where the option is not given."""
    if value is None:
        return ""
    if not value or value.endswith("/"):
        raise UsageProblem(f"{option.opts[0]}: {quoted(value)} is no file", f"Name one: {option.opts[0]} FILE")
    return _absolute(value)


#: Words that mean themselves in a unit file: no blank, quote, % or $.
_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")
#: There the daily check has a folder that nobody else sees (systemd.exec(5), PrivateTmp=).
_PRIVATE = ("/tmp/", "/var/tmp/")  # noqa: S108 - they are refused


def _metrics(context: click.Context, option: click.Parameter, value: Optional[str]) -> Optional[str]:
    """The absolute path of a file that a unit can write and a collector reads; '' for 'none'."""
    path = file(context, option, value)
    why = ""
    if path and not path.endswith(".prom"):
        why = "its name does not end in .prom, and no collector would read it"
    elif path and path.startswith(_PRIVATE):
        why = "the daily check has a /tmp of its own, and nobody would see it there"
    elif path and not _PLAIN.fullmatch(path):
        why = "it has characters that mean something in a unit of systemd"
    if path and why:
        remedy = f"Name another: {option.opts[0]} /var/lib/prometheus/node-exporter/ntpjoin.prom"
        raise UsageProblem(f"{option.opts[0]}: {shown(path)} cannot be used: {why}", remedy)
    return path


def _unless_none(value: Optional[str], parse: Callable[[str], str]) -> Optional[str]:
    if value is None:
        return None
    return "" if value == _NONE else parse(value)


def together(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator."""

    def decorate(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


_UPSTREAM = click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="An upstream to follow, by name; give four to seven, or none.",
)

_FEW = click.option("--few/--no-few", default=None, help="Go ahead with three upstreams.")
ALLOW_PRIVATE = click.option(
    "--allow-private/--no-allow-private", default=None, help="Accept addresses outside the public ranges."
)
_PUBLIC_ADDRESS = click.option(
    "--public-address",
    "public_addresses",
    multiple=True,
    callback=_addresses,
    metavar="ADDR",
    help="The public address that leads to this host through NAT; 'none' forgets it.",
)
_SURVEY = click.option(
    "--survey", is_flag=True, help="Measure the upstreams again, even if nothing speaks against them."
)

#: Whom to ask where names lead.
RESOLVER = click.option(
    "--resolver",
    "nameservers",
    multiple=True,
    callback=_resolvers,
    metavar="ADDR",
    help="Ask this DNS server instead of the system's.",
)

COUNTRY = click.option(
    "--country",
    callback=_country,
    metavar="CC",
    help="Where this host stands: the country, by its two letters, like DE.",
)
NEAR = click.option(
    "--near",
    callback=_near,
    metavar="LAT,LON",
    help="Where this host stands, in degrees, like 52.5,13.4.",
)
CATALOGUE = click.option(
    "--catalogue",
    callback=file,
    metavar="FILE",
    help="A catalogue of time servers to use instead of our own.",
)

#: Which servers there are, and how far they are.
catalogue = together(COUNTRY, NEAR, CATALOGUE)

#: Who may be chosen where nobody was named.
candidates = together(
    catalogue,
    click.option(
        "--candidates-from-pool",
        "from_pool",
        callback=_country,
        metavar="CC",
        help="Ask today's servers of this country's zone of the pool, too.",
    ),
    click.option(
        "--accept-catalogue/--no-accept-catalogue",
        default=None,
        help="Choose only servers that are open to all and want no mail, without asking.",
    ),
)

#: Whom to ask for the time.
sources = together(_UPSTREAM, _FEW, ALLOW_PRIVATE)

#: What the configuration is made of.
configuration = together(sources, candidates, _PUBLIC_ADDRESS, _SURVEY)

ENABLE_EPEL = click.option(
    "--enable-epel",
    is_flag=True,
    help="On Enterprise Linux: enable the repository EPEL, which has the daemon, as part of the plan.",
)

MONITOR = click.option(
    "--monitor/--no-monitor", default=None, help="Check daily, by a timer, that this server is still good."
)

#: All that a set-up is made of.
wish = together(
    configuration,
    ENABLE_EPEL,
    click.option("--firewall/--no-firewall", default=None, help="Let UDP 123 in through the active firewall."),
    MONITOR,
    click.option(
        "--metrics",
        callback=_metrics,
        metavar="FILE",
        help="Have the daily check put its metrics into this file, for node_exporter; 'none' ends that.",
    ),
    click.option(
        "--notrack/--no-notrack", default=None, help="Keep NTP to and from this host out of connection tracking."
    ),
    click.option("--replace", is_flag=True, help="Replace a configuration that is neither the package's nor ours."),
)

#: What every command takes.
output = together(
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    click.option("-v", "--verbose", is_flag=True, help="Show every program that is run."),
    click.option("-q", "--quiet", is_flag=True, help="Tell nothing while working."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours on the terminal."),
)  # fmt: skip

WAIT = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    callback=_seconds,
    metavar="SECONDS",
    help="Wait so long to be synchronised.",
)

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "nagios", "prometheus"]),
    help="Answer in this form: one line for a monitoring core is nagios, metrics are prometheus.",
)
OUTPUT = click.option(
    "--output",
    callback=written,
    metavar="FILE",
    help="Put the answer into this file, whole or not at all, instead of printing it.",
)

STRICT = click.option("--strict", is_flag=True, help="Count warnings as faults: exit 1.")

YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the wish that were given on the command line."""
    from click.core import ParameterSource  # noqa: PLC0415

    from ntpjoin.model import Wish  # noqa: PLC0415

    context, wishes = click.get_current_context(), [field.name for field in fields(Wish)]
    return {
        name: options[name]
        for name in wishes
        if name in options and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }

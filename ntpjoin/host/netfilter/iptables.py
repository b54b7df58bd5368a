"""The rules of iptables and ip6tables, from what iptables-save prints (iptables(8), iptables-extensions(8))."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import partial

from ntpjoin.host import words as shell
from ntpjoin.host.netfilter.options import OPTIONS, Words
from ntpjoin.host.netfilter.rules import Action, Always, Chain, Condition, Opaque, Rate, Rule, Ruleset, Unread
from ntpjoin.model import Family

#: Priorities of the tables (linux/netfilter_ipv4.h); nat has others before and behind routing, but only one of them is met here.
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}

_HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "OUTPUT": "output", "POSTROUTING": "postrouting"}

_TARGETS: Mapping[str, Action] = {
    "ACCEPT": "accept",
    "DROP": "drop",
    "REJECT": "drop",
    "RETURN": "return",
    "QUEUE": "elsewhere",
    "NFQUEUE": "elsewhere",
    "DNAT": "elsewhere",
    "REDIRECT": "elsewhere",
    "NETMAP": "elsewhere",
    "TPROXY": "elsewhere",
    "SNAT": "accept",
    "MASQUERADE": "accept",
}

#: Targets that end nothing. CT and MARK are seen to besides.
_IDLE = frozenset(
    {
        "LOG",
        "NFLOG",
        "ULOG",
        "AUDIT",
        "TRACE",
        "MARK",
        "CONNMARK",
        "CT",
        "NOTRACK",
        "TOS",
        "DSCP",
        "ECN",
        "TTL",
        "HL",
        "CHECKSUM",
    }
    | {
        "TCPMSS",
        "TCPOPTSTRIP",
        "CLASSIFY",
        "SECMARK",
        "CONNSECMARK",
        "SET",
        "TEE",
        "RATEEST",
        "LED",
        "IDLETIMER",
        "SYNPROXY",
    }
)

#: So much of a rule is told to people.
_SHOWN = 300

#: Matches that count, and the options of `recent` that do: `--set` is met by everybody.
_COUNTING = frozenset({"limit", "hashlimit", "connlimit"})
_RECENT = frozenset({"--rcheck", "--update"})

#: Matches whose options are read.
_READ = frozenset(
    {
        "comment",
        "udp",
        "multiport",
        "conntrack",
        "state",
        "addrtype",
        "pkttype",
        "mark",
        "connmark",
        "iprange",
        "recent",
        "rpfilter",
    }
)

#: Matches that an ordinary query over UDP never meets.
_NO_UDP = frozenset(
    {"tcp", "icmp", "icmp6", "ipv6-icmp", "sctp", "dccp", "ah", "esp", "tcpmss", "frag", "hbh", "dst", "rt", "mh"}
)


class _Rule:
    """A rule while it is read."""

    def __init__(self) -> None:
        self.conditions: list[Condition] = []
        self.module = self.target = ""
        self.jump = True
        self.sets: list[str] = []


def parse(text: str, tool: str) -> Ruleset:
    """Read the output of iptables-save or (where `tool` begins with 'ip6') of ip6tables-save. Raises ValueError where it is none."""
    family: Family = "IPv6" if tool.startswith("ip6") else "IPv4"
    policies: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    found: list[Chain] = []
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = _begun(line, table, policies)
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            policies[name], rules[name] = policy, []
        elif line.startswith("-A "):
            name = line[3:].partition(" ")[0]
            if name not in rules:
                raise ValueError(f"it has a rule of a chain that is not there: {line[:60]}")
            rules[name].append(line)
        elif line == "COMMIT":
            for name, lines in rules.items():
                unread = Unread(partial(_rules, lines, family, tool, table, policies))
                found.append(_chain(tool, family, table, name, policy=policies[name], rules=unread))
            policies, rules = {}, {}
    _begun("", table, policies)
    return Ruleset({chain.key: chain for chain in found})


def _begun(line: str, former: str, chains: Mapping[str, str]) -> str:
    """The table that a line begins. Raises ValueError where the former has not ended."""
    if chains:
        raise ValueError(f"table {former[:60]} breaks off")
    return line[1:]


def _chain(tool: str, family: Family, table: str, name: str, *, policy: str, rules: Unread) -> Chain:
    """A chain that somebody made has `-` for a policy."""
    return Chain(
        tool,
        "ip6" if family == "IPv6" else "ip",
        table,
        name,
        rules,
        hook="" if policy == "-" else _HOOKS.get(name, ""),
        priority=_PRIORITIES.get(table, 0),
        policy=_TARGETS.get(policy, "accept"),
        kind="nat" if table == "nat" else "filter",
    )


def _rules(lines: Sequence[str], family: Family, tool: str, table: str, chains: Container[str]) -> list[Rule]:
    return [_rule(line, family, tool, table, chains) for line in lines]


def _rule(line: str, family: Family, tool: str, table: str, chains: Container[str]) -> Rule:
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
    place = f"`{tool}{'' if table == 'filter' else f' -t {table}'} {shown}`"
    made = _Rule()
    try:
        words = Words(shell.split(line)[2:])
        for option in words.options():
            _read(made, option, words, family)
    except (ValueError, IndexError) as error:
        return Rule((*made.conditions, Opaque(f"it is not understood ({error})")), "elsewhere", place=place)
    action: Action
    if made.target in chains:
        action = "jump" if made.jump else "goto"
    elif made.target in _TARGETS:
        action = _TARGETS[made.target]
    else:
        action = "continue" if not made.target or made.target in _IDLE else "elsewhere"
        if action == "elsewhere":
            made.conditions.append(Opaque(f"target {made.target} is not understood"))
    return Rule(
        tuple(made.conditions), action, made.target if action in ("jump", "goto") else "", tuple(made.sets), place
    )


def _read(made: _Rule, option: str, words: Words, family: Family) -> None:
    """Take one option of a rule with its values."""
    if option in ("-j", "-g"):
        made.target, made.jump = words.value(), option == "-j"
        made.sets += {"NOTRACK": ["untracked"], "MARK": ["mark"], "CONNMARK": ["mark"]}.get(made.target, [])
    elif option == "-m":
        made.module = words.value()
        made.conditions += [Always(never=True)] if made.module in _NO_UDP else []
        made.conditions += [Rate()] if made.module in _COUNTING else []
        if made.module not in _NO_UDP | _COUNTING | _READ:
            made.conditions.append(Opaque(f"match {made.module} is not understood"))
    elif made.target:
        made.sets += ["untracked"] if (made.target, option) == ("CT", "--notrack") else []
        words.skip()
    elif option in OPTIONS:
        made.conditions.append(OPTIONS[option](words, family))
    else:
        made.conditions += _by_module(made.module, option)
        words.skip()


def _by_module(module: str, option: str) -> list[Condition]:
    """What an option means that only one match has."""
    if module == "recent":
        return [Rate()] if option in _RECENT else []
    if module == "rpfilter":
        # Whether there is a way back to the client: who comes in where the default route leads has one.
        return [Always(never=True)] if option == "--invert" else []
    if module in ("comment", *_NO_UDP, *_COUNTING):
        return []
    return [Opaque(f"{module} {option} is not understood")] if module in _READ else []

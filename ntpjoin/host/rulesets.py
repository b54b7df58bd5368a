"""The packet filter's rules as they are in force, read with the programs that can list them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter import iptables, nft
from ntpjoin.host.netfilter.rules import Chain, Ruleset
from ntpjoin.model import Family

#: The tables that iptables makes, also when it is nft underneath.
_CLASSIC = ("raw", "mangle", "nat", "filter", "security")

#: The kernel's own list of the tables of the older iptables that are in use.
_OLD_TABLES: Mapping[str, str] = {"iptables": "/proc/net/ip_tables_names", "ip6tables": "/proc/net/ip6_tables_names"}

#: In the first line of what iptables-save prints where it is nft underneath.
_IS_NFT = "(nf_tables)"

#: What it says of tables that somebody has put rules of nft into.
_FOREIGN = "use 'nft' tool"


#: The chains in which ufw keeps the rules that it was told.
_OF_UFW: Mapping[Family, tuple[str, str]] = {"IPv4": ("ip", "ufw-user-input"), "IPv6": ("ip6", "ufw6-user-input")}


class _Unlisted(Exception):
    """A program does not list the rules; the text says which and why."""


def read(host: Host) -> Ruleset:
    """All rules; `problem` says why they could not be read, and '' where there are none or they are all here."""
    with_nft = host.which("nft") is not None
    try:
        found = _nft(host) if with_nft else Ruleset()
        texts = _saved(host, "save") if not with_nft or _by_iptables(found) else {}
        texts = {**texts, **_others(host, texts, found)}
        return _whole(host, found, texts, with_nft=with_nft)
    except _Unlisted as error:
        return Ruleset(problem=str(error))


def of_ufw(ruleset: Ruleset, family: Family) -> Optional[Chain]:
    """The chain that holds what ufw was told for a family; None where it does not manage that."""
    place, name = _OF_UFW[family]
    found = [
        chain for key, chain in ruleset.chains.items() if key[1:] == (place, "filter", name) and chain.tool != "nft"
    ]
    return found[0] if found else None


def _whole(host: Host, found: Ruleset, texts: Mapping[str, str], *, with_nft: bool) -> Ruleset:
    """The rules of both, unless some of them cannot have been listed."""
    if not with_nft and not texts:
        return Ruleset(problem=_unseen(host))
    if not with_nft and any(_FOREIGN in text for text in texts.values()):
        return Ruleset(problem="iptables-save cannot list all tables, and there is no nft to list them")
    try:
        return combine(found, texts)
    except ValueError as error:
        raise _Unlisted(f"what iptables-save prints is not understood: {error}") from None


def combine(native: Ruleset, texts: Mapping[str, str]) -> Ruleset:
    """The rules of nft, but of the tables that iptables made what iptables-save says, for nft cannot name all of that.

    `texts` are by the tool that saved them. Raises ValueError where one of them is no ruleset.
    """
    chains = dict(native.chains)
    for tool, text in texts.items():
        saved = iptables.parse(text, tool).chains
        if _IS_NFT in text:
            known = {(chain.family, chain.table, chain.name) for chain in saved.values() if chain.hook}
            chains = {key: chain for key, chain in chains.items() if not (chain.tool == "nft" and key[1:] in known)}
        chains.update(saved)
    return Ruleset(chains)


def _nft(host: Host) -> Ruleset:
    said = host.run(["nft", "-j", "-s", "list", "ruleset"], check=False)
    try:
        found = nft.parse(said.out)
    except ValueError:
        raise _Unlisted(f"nft does not list its rules: {said.said or 'it says nothing'}") from None
    if any(chain.of_devices and not chain.devices for chain in found.chains.values()):
        found = nft.with_devices(found, host.run(["nft", "list", "chains"], check=False).out)
        if any(chain.of_devices and not chain.devices for chain in found.chains.values()):
            raise _Unlisted("nft does not tell which interfaces some of its rules are for")
    return found


def _by_iptables(found: Ruleset) -> bool:
    """Whether nft shows tables that iptables made, or old ones may be beside them."""
    return any(_looks_classic(chain) for chain in found.chains.values())


def _looks_classic(chain: Chain) -> bool:
    return chain.family in ("ip", "ip6") and chain.table in _CLASSIC and bool(chain.hook) and chain.name.isupper()


def _saved(host: Host, variant: str) -> dict[str, str]:
    """What the two programs of a variant print, by the tool that changes the same: iptables, ip6tables-legacy."""
    texts = {}
    for tool in _OLD_TABLES:
        program = f"{tool}-{variant}"
        if host.which(program):
            said = host.run([program], check=False)
            if said.code != 0 and (tool == "iptables" or host.exists("/proc/net/if_inet6")):
                raise _Unlisted(f"{program} does not list its rules: {said.said}")
            texts[program.removesuffix("-save")] = _named(host, program, said.out)
    return texts


def _named(host: Host, program: str, text: str) -> str:
    """What it printed, with the name of its variant: up to 1.8.7 it tells that only when it is asked."""
    if _IS_NFT in text or not text.strip():
        return text
    variant = host.run([program, "--version"], check=False).out.strip()
    return f"# {variant}\n{text}" if _IS_NFT in variant else text


def _others(host: Host, texts: Mapping[str, str], found: Ruleset) -> dict[str, str]:
    """What the other variant of iptables knows, where both may be in use."""
    old = any(host.text(path).strip() for path in _OLD_TABLES.values())
    if old and (not texts or any(_IS_NFT in text for text in texts.values())):
        return _saved(host, "legacy-save") or ({} if texts else _saved(host, "save"))
    if texts and _by_iptables(found) and not any(_IS_NFT in text for text in texts.values()):
        return _saved(host, "nft-save")
    return {}


def _unseen(host: Host) -> str:
    """Why there may be rules that no program here can list; '' where there are none, as far as the kernel shows."""
    if any(host.text(path).strip() for path in _OLD_TABLES.values()):
        return "the kernel has tables of iptables, and there is no iptables-save to list them"
    for line in host.text("/proc/modules").splitlines():
        name, _, used = line.split()[:3]
        if name == "nf_tables" and used != "0":
            return "the kernel has rules of nft, and there is no nft to list them"
    return ""


def opening(chain: Chain) -> str:
    """What to type to let queries in (answers out) at the head of a base chain."""
    end = "sport" if chain.leaving else "dport"
    if chain.tool == "nft":
        return f"nft insert rule {chain.family} {chain.table} {chain.name} udp {end} 123 accept"
    table = "" if chain.table == "filter" else f" -t {chain.table}"
    return f"{chain.tool}{table} -I {chain.name} -p udp --{end} 123 -j ACCEPT"

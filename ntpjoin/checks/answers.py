"""What this host answers at its own addresses, to clients and to management queries. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.checks.addresses import family_of, outside_addresses
from ntpjoin.checks.evidence import Evidence
from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState, Wish

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def answers(facts: Facts, evidence: Evidence, wish: Wish, deaf: frozenset[str] = frozenset()) -> Iterator[Check]:
    """One check for each address, or that there is none to ask. At `deaf` ones nobody listens, which is told already."""
    if not evidence.answers:
        seen = ", ".join(facts.addresses) or "none"
        text = f"this host has no public address of its own (it has: {seen})"
        yield Check(
            "answers.address",
            UNKNOWN if wish.public_addresses or facts.journal.unseen else WARN,
            text,
            "sudo ntpjoin verify" if facts.journal.unseen else "ntpjoin setup --public-address ADDR",
        )
    for address, asked in evidence.answers.items():
        sample = asked.sample
        if sample is None and address in deaf:
            continue
        if sample is None:
            yield Check(
                f"answers.{family_of(address).lower()}", FAIL, f"{address} does not answer clients: {asked.problem}"
            )
        elif sample.leap == 3 or not 1 <= sample.stratum <= 15:
            yield Check(
                f"answers.{family_of(address).lower()}", FAIL, f"{address} answers clients that it is not synchronised"
            )
        else:
            yield Check(
                f"answers.{family_of(address).lower()}", OK, f"{address} answers clients: stratum {sample.stratum}"
            )


def closed(evidence: Evidence, *, told: bool) -> Iterator[Check]:
    """Silence counts only beside the control: the daemon does answer mode 6, on the loopback address."""
    for address, tells in evidence.tells.items():
        check = f"closed.{family_of(address).lower()}"
        if tells:
            modes = " and ".join(map(str, tells))
            text = f"{address} answers management queries (mode {modes}) from anywhere: it can be used as an amplifier"
            yield Check(check, FAIL, text, "ntpjoin setup")
        elif not told or tells is None:
            yield Check(check, UNKNOWN, f"{address} is silent to management queries, but so is the loopback address")
        else:
            yield Check(check, OK, f"{address} refuses management queries")


def outside(facts: Facts, wish: Wish) -> Check:
    """What this host asks of its own address never meets its firewall, nor what stands before it."""
    addresses = outside_addresses(facts, wish)
    remedy = "on another machine: " + "; ".join(f"ntpdig {address}" for address in addresses) if addresses else ""
    return Check("outside", UNKNOWN, "from outside it has not been tried", remedy)

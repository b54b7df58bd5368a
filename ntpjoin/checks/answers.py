"""What this host answers at its own addresses, to clients and to management queries. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from ntpjoin.checks.addresses import family_of, outside_addresses, to_probe
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.listens import deaf
from ntpjoin.checks.restrict import Culprits, Rules
from ntpjoin.facts import Facts
from ntpjoin.model import Asked, Check, CheckState, Wish
from ntpjoin.systems import Row, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def answers(
    facts: Facts, evidence: Evidence, wish: Wish, rules: Optional[Rules], *, synchronised: bool
) -> Iterator[Check]:
    """One check for each address, or that there is none to ask.

    That the clock is not `synchronised`, that nobody listens at an address, and that nobody knows which were declared is told
    already.
    """
    unheard = deaf(facts, wish)
    if not evidence.answers and not facts.journal.problem:
        seen = ", ".join(facts.addresses) or "none"
        text = f"this host has no public address of its own (it has: {seen})"
        yield Check(
            "answers.address",
            UNKNOWN if wish.public_addresses or facts.journal.unseen else WARN,
            text,
            "sudo ntpjoin verify" if facts.journal.unseen else "ntpjoin setup --public-address ADDR",
        )
    for address, asked in evidence.answers.items():
        sample, state, remedy = asked.sample, OK, ""
        culprits = _culprits(asked, rules)
        if sample is None and address in unheard:
            continue
        if sample is None:
            (text, remedy), state = _why_not(asked, rules, culprits), FAIL
        elif sample.leap == 3 or not 1 <= sample.stratum <= 15:
            text, state = "answers clients that it is not synchronised", FAIL if synchronised else OK
        else:
            text = f"answers clients: stratum {sample.stratum}"
        yield Check(f"answers.{family_of(address).lower()}", state, f"{address} {text}", remedy, lines=culprits)


def _why_not(asked: Asked, rules: Optional[Rules], culprits: Culprits) -> tuple[str, str]:
    """What came instead of an answer, with the lines that are to blame where any can be told; and what to type."""
    lines = f": {'; '.join(map(str, culprits))}" if culprits else ""
    remedy = rules.advice.without(culprits) if rules and culprits else ""
    code = asked.kiss
    if not code:
        return f"does not answer clients: {asked.problem}" + (f", by {lines[2:]}" if lines else ""), remedy
    if code == "RATE":
        text = f"turns clients away as too frequent (kiss-o'-death RATE): the limiter is too tight{lines}"
        return text, remedy or "wait a minute, then: ntpjoin verify; if it stays: who else asks so often?"
    return (
        f"denies clients the time (kiss-o'-death {code}): a restrict line does{lines}",
        remedy or "look at your own lines",
    )


def _culprits(asked: Asked, rules: Optional[Rules]) -> Culprits:
    if rules is None or asked.sample:
        return ()
    return rules.too_tight() if asked.kiss == "RATE" else rules.why_deaf(asked.address)


def closed(
    facts: Facts, evidence: Evidence, wish: Wish, row: Row, rules: Optional[Rules], *, told: bool
) -> Iterator[Check]:
    """Silence counts only beside the control: the daemon does answer mode 6, on the loopback address."""
    for address, tells in evidence.tells.items():
        check = f"closed.{family_of(address).lower()}"
        if tells and rules and rules.for_itself(address):
            beyond = [one for one in outside_addresses(facts, wish) if family_of(one) == family_of(address)]
            yield _open_to_itself(check, address, rules, beyond)
        elif tells:
            yield _open(check, address, tells, row, rules)
        elif tells is None:
            yield Check(check, UNKNOWN, f"{address} could not be sent a management query")
        elif not told:
            yield Check(check, UNKNOWN, f"{address} is silent to management queries, but so is the loopback address")
        else:
            yield Check(check, OK, f"{address} refuses management queries")


def _open_to_itself(check: str, address: str, rules: Rules, beyond: Sequence[str]) -> Check:
    """The question came from the address itself: a line for it alone, or its network, says nothing of strangers.

    `beyond`: where strangers ask.
    """
    lines = "; ".join(map(str, rules.of(address).lines))
    text = f"{address} may ask itself ({lines}): whether strangers may ask it cannot be seen from here"
    return Check(check, UNKNOWN, text, f"on another machine: {to_probe(beyond)}")


def _open(check: str, address: str, tells: tuple[int, ...], row: Row, rules: Optional[Rules]) -> Check:
    modes = " and ".join(map(str, tells))
    text = f"{address} answers management queries (mode {modes}) from anywhere: it can be used as an amplifier"
    if rules is None:
        return Check(check, FAIL, text, "ntpjoin setup")
    culprits = rules.why_open(address)
    if culprits is None:
        return Check(
            check, FAIL, f"{text}; the lines forbid it, but ntpd has not read them", to_type("restart", row.unit)
        )
    lines = "; ".join(map(str, culprits)) or "no line forbids it"
    return Check(check, FAIL, f"{text}: {lines}", rules.advice.restored(culprits))


def shown(evidence: Evidence, rules: Rules) -> Iterator[Culprits]:
    """The lines that are told to blame here already, for each address."""
    for address, tells in evidence.tells.items():
        culprits = rules.why_open(address) if tells and not rules.for_itself(address) else None
        if culprits is not None:
            yield culprits
    for asked in evidence.answers.values():
        if asked.sample is None:
            yield from filter(None, (_culprits(asked, rules),))


def outside(facts: Facts, wish: Wish) -> Check:
    """What this host asks of its own address never meets its firewall, nor what stands before it."""
    addresses = outside_addresses(facts, wish)
    remedy = f"on another machine: {to_probe(addresses)}" if addresses else ""
    return Check("outside", UNKNOWN, "from outside it has not been tried", remedy)

"""Is this server still good? Every question that the host itself can answer, judged from one look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Optional

from ntpjoin.errors import WireError
from ntpjoin.facts import Daemon, Facts, Row, Unit
from ntpjoin.host import ntpd, systemd
from ntpjoin.host.machine import Host
from ntpjoin.model import Asked, Billboard, Check, CheckState, Pin, Wish, majority
from ntpjoin.upstreams.addresses import special_range

#: A daemon younger than this may still be finding its time: ntpd needs a few polls, and one more round after a step.
SETTLING_S = 300.0

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


@dataclass(frozen=True)
class Evidence:
    """What was asked for the checks, beside the facts.

    Per own address: what it answers to a client, and whether it answers mode 6;
    per pinned name: where it leads today (nowhere: DNS did not tell).
    """

    answers: Mapping[str, Asked]
    tells: Mapping[str, Optional[bool]]
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def service_addresses(facts: Facts, wish: Wish) -> tuple[str, ...]:
    """This host's own addresses that clients may ask: public ones, and private ones if the operator accepts those."""
    return tuple(address for address in facts.addresses if special_range(address) is None or wish.allow_private)


def gather(host: Host, facts: Facts, wish: Wish, pins: tuple[Pin, ...]) -> Evidence:
    """Look at everything the checks need; the waits run side by side."""
    from ntpjoin.wire.control import answers_control  # noqa: PLC0415 - sockets only where something is asked
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415
    from ntpjoin.wire.ntp import exchange  # noqa: PLC0415

    addresses = service_addresses(facts, wish)

    def tells(address: str) -> Optional[bool]:
        try:
            return answers_control(address, timeout_s=1.0)
        except WireError:
            return None

    with ThreadPoolExecutor(max_workers=8) as pool:
        control = {address: pool.submit(tells, address) for address in addresses}
        asked = pool.submit(exchange, addresses)
        resolved = pool.submit(resolve, [pin.name for pin in pins])
        unit = facts.unit(facts.system.row.unit) if facts.system.row else None
        said = pool.submit(_complaints, host, unit) if unit and unit.running else None
    return Evidence(
        answers={answer.address: answer for answer in asked.result()},
        tells={address: future.result() for address, future in control.items()},
        leads={one.name: one.addresses for one in resolved.result()},
        complaints=said.result() if said else (),
    )


def _complaints(host: Host, unit: Unit) -> tuple[str, ...]:
    return tuple(filter(None, map(ntpd.log_complaint, systemd.log(host, unit))))


def judge(facts: Facts, wish: Wish, pins: tuple[Pin, ...], evidence: Evidence) -> tuple[Check, ...]:
    """All checks, in the order in which one would mend what they find. Pure."""
    row = facts.system.row
    if row is None:
        return (Check("system", FAIL, f"{facts.system.title} is not supported"),)
    found: list[Check] = list(_service(facts, row))
    found += _log(evidence, row)
    board = facts.daemon.board if facts.daemon else Billboard()
    found += _synchronisation(board)
    found += _upstreams(board, pins)
    found += _followed(board, pins)
    found += _pins(evidence, pins)
    found += _answers(facts, evidence, wish)
    found += _closed(evidence, told=board.system is not None)
    found.append(_firewall(facts))
    found.append(_outside(facts, wish))
    return tuple(found)


def settling(facts: Facts, checks: tuple[Check, ...]) -> bool:
    """Whether the only faults are those that a young daemon loses by itself."""
    failed = [check for check in checks if check.state is FAIL]
    young = facts.daemon is not None and facts.daemon.age_s < SETTLING_S
    return bool(failed) and young and all(check.id.startswith(("sync.", "answers.")) for check in failed)


def _service(facts: Facts, row: Row) -> Iterator[Check]:
    unit, daemon = facts.unit(row.unit), facts.daemon
    if not unit.running:
        text = f"{row.unit} does not run" + ("" if unit.exists else ": it is not installed")
        yield Check("service.running", FAIL, text, f"systemctl start {row.unit}" if unit.exists else "ntpjoin setup")
        return
    yield Check("service.running", OK, f"{row.unit} runs")
    enabled = unit.enabled == "enabled"
    text = f"{row.unit} starts at boot" if enabled else f"{row.unit} is {unit.enabled}: it would not start at boot"
    yield Check("service.enabled", OK if enabled else FAIL, text, "" if enabled else f"systemctl enable {row.unit}")
    yield _reads(daemon, row)
    if facts.holders is None:
        yield Check("service.port", UNKNOWN, "who holds UDP 123 can only be seen by root")
    else:
        holds = daemon is not None and any(holder.pid == daemon.pid for holder in facts.holders)
        yield Check(
            "service.port", OK if holds else FAIL, "ntpd holds UDP 123" if holds else "ntpd does not hold UDP 123"
        )


def _reads(daemon: Optional[Daemon], row: Row) -> Check:
    if daemon is None:
        return Check("service.config", FAIL, f"{row.unit} runs, but no process of it is {row.daemon}")
    if daemon.config != row.config:
        return Check("service.config", FAIL, f"ntpd reads {daemon.config}, not {row.config}", "ntpjoin setup")
    return Check("service.config", OK, f"ntpd reads {row.config}")


def _log(evidence: Evidence, row: Row) -> Iterator[Check]:
    for complaint in evidence.complaints:
        yield Check("service.log", WARN, f"ntpd complains: {complaint}", f"journalctl -u {row.unit}")


def _synchronisation(board: Billboard) -> Iterator[Check]:
    system = board.system
    if system is None:
        yield Check("sync.peer", UNKNOWN, "the daemon does not tell of itself on the loopback address")
        return
    peer = next((peer for peer in board.peers if peer.associd == system.peer_associd), None)
    if peer is None or system.leap == 3:
        replying = f"{board.replying} of {len(board.peers)} upstreams answer"
        yield Check(
            "sync.peer", FAIL, f"not synchronised: no system peer; {replying}", "wait a minute, then: ntpjoin verify"
        )
        return
    offset = f", offset {system.offset_ms:+.3f} ms" if system.offset_ms is not None else ""
    yield Check("sync.peer", OK, f"synchronised to {peer.address}: stratum {system.stratum}{offset}")
    registrable = 1 <= system.stratum <= 5
    text = f"stratum {system.stratum}" + ("" if registrable else ": the pool takes 1 to 5")
    yield Check(
        "sync.stratum", OK if registrable else FAIL, text, "" if registrable else "choose upstreams of a lower stratum"
    )


def _upstreams(board: Billboard, pins: tuple[Pin, ...]) -> Iterator[Check]:
    if board.system is None:
        return
    names = {pin.address: pin.name for pin in pins}
    if not board.peers:
        yield Check("sync.survivors", FAIL, "the daemon follows nobody", "ntpjoin setup")
        return
    enough = board.survivors >= majority(len(board.peers))
    text = f"{board.survivors} of {len(board.peers)} upstreams agree"
    yield Check("sync.survivors", OK if enough else FAIL, text, "" if enough else "ntpjoin setup --survey")
    for peer in board.peers:
        name = f"{names.get(peer.address, peer.address)} ({peer.address})"
        if peer.tally == "x":
            yield Check(
                "upstreams.falseticker", WARN, f"{name} tells another time than the others", "ntpjoin setup --survey"
            )
        elif peer.reach == 0:
            yield Check("upstreams.silent", WARN, f"{name} does not answer", "ntpjoin setup --survey")


def _followed(board: Billboard, pins: tuple[Pin, ...]) -> Iterator[Check]:
    """The daemon's own word on whom it follows; more than ours may come from the operator's include file."""
    peers = {peer.address for peer in board.peers}
    if board.system and pins:
        lost = [pin.name for pin in pins if pin.address not in peers]
        text = (
            f"ntpd does not follow {', '.join(lost)}"
            if lost
            else f"ntpd follows the {len(pins)} upstreams that were chosen"
        )
        yield Check("upstreams.followed", FAIL if lost else OK, text, "ntpjoin setup" if lost else "")


def _pins(evidence: Evidence, pins: tuple[Pin, ...]) -> Iterator[Check]:
    """A name that leads elsewhere means that its operator moved the server, and the old address may be anybody's soon."""
    moved = [pin for pin in pins if evidence.leads.get(pin.name) and pin.address not in evidence.leads[pin.name]]
    for pin in moved:
        yield Check("upstreams.pins", WARN, f"{pin.name} no longer leads to {pin.address}", "ntpjoin setup")
    untold = [pin.name for pin in pins if not evidence.leads.get(pin.name)]
    if untold:
        yield Check(
            "upstreams.pins", UNKNOWN, f"where {', '.join(untold)} leads could not be asked", "is DNS reachable?"
        )
    elif pins and not moved:
        yield Check("upstreams.pins", OK, "all names still lead to the addresses that are followed")


def _answers(facts: Facts, evidence: Evidence, wish: Wish) -> Iterator[Check]:
    if not evidence.answers:
        seen = ", ".join(facts.addresses) or "none"
        text = f"this host has no public address of its own (it has: {seen})"
        yield Check(
            "answers.address", UNKNOWN if wish.public_addresses else WARN, text, "ntpjoin setup --public-address ADDR"
        )
    for address, asked in evidence.answers.items():
        sample = asked.sample
        if sample is None:
            yield Check(f"answers.{_family(address)}", FAIL, f"{address} does not answer clients: {asked.problem}")
        elif sample.leap == 3 or not 1 <= sample.stratum <= 15:
            yield Check(f"answers.{_family(address)}", FAIL, f"{address} answers clients that it is not synchronised")
        else:
            yield Check(f"answers.{_family(address)}", OK, f"{address} answers clients: stratum {sample.stratum}")


def _closed(evidence: Evidence, *, told: bool) -> Iterator[Check]:
    """Silence counts only beside the control: the daemon does answer mode 6, on the loopback address."""
    for address, tells in evidence.tells.items():
        check = f"closed.{_family(address)}"
        if tells:
            text = f"{address} answers management queries from anywhere: it can be used as an amplifier"
            yield Check(check, FAIL, text, "ntpjoin setup")
        elif not told or tells is None:
            yield Check(check, UNKNOWN, f"{address} is silent to management queries, but so is the loopback address")
        else:
            yield Check(check, OK, f"{address} refuses management queries")


def _firewall(facts: Facts) -> Check:
    manager, shut = (
        facts.firewall.manager,
        [f for f in facts.firewall.families if facts.firewall.admits.get(f) is not True],
    )
    if manager == "none":
        return Check("firewall", OK, "no firewall on this host")
    if manager != "ufw":
        unseen = {"firewalld": "firewalld's rules", "rules": "somebody's own packet filter rules"}.get(manager)
        text = f"{unseen} could not be judged" if unseen else "the firewall can only be seen by root"
        return Check("firewall", UNKNOWN, text, "let UDP 123 in by hand" if unseen else "sudo ntpjoin verify")
    if shut:
        return Check("firewall", FAIL, f"ufw does not let UDP 123 in over {' and '.join(shut)}", "ntpjoin setup")
    return Check("firewall", OK, f"ufw lets UDP 123 in over {' and '.join(facts.firewall.families)}")


def _outside(facts: Facts, wish: Wish) -> Check:
    """What this host asks of its own address never meets its firewall, nor what stands before it."""
    addresses = wish.public_addresses or service_addresses(facts, wish)
    remedy = "on another machine: " + "; ".join(f"ntpdig {address}" for address in addresses) if addresses else ""
    return Check("outside", UNKNOWN, "from outside it has not been tried", remedy)


def _family(address: str) -> str:
    return "ipv6" if ":" in address else "ipv4"


def count(checks: tuple[Check, ...]) -> dict[CheckState, int]:
    """How many checks ended in each state."""
    return {state: sum(check.state is state for check in checks) for state in CheckState}

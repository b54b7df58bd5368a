"""Is this server still good? Every question that the host itself can answer, judged from one look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.checks import clock, sync
from ntpjoin.checks.firewall import judge_firewall
from ntpjoin.checks.monitor import judge_monitor
from ntpjoin.errors import CommandFailed, WireError
from ntpjoin.facts import JOURNAL_UNSEEN, SETTLING_S, Daemon, Facts, Unit
from ntpjoin.host import ntpd, settings
from ntpjoin.host.distros import ROWS
from ntpjoin.host.machine import Host
from ntpjoin.host.services.manager import services
from ntpjoin.job import Job
from ntpjoin.model import Asked, Check, CheckState, Pin, Wish
from ntpjoin.systems import Row, Setting, to_type
from ntpjoin.upstreams.addresses import special_range

#: What a young daemon loses by itself; a stratum that is too high stays.
_PASSING = ("sync.peer", "sync.survivors", "answers.ipv4", "answers.ipv6")

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
    """This host's own addresses that clients may ask: public ones, and private ones to which a declared public one leads.

    An operator who accepts private upstreams serves private clients, too.
    """
    public = tuple(address for address in facts.addresses if special_range(address) is None)
    declared = {_family(address) for address in wish.public_addresses}
    behind_nat = declared - {_family(address) for address in public}
    return tuple(
        address
        for address in facts.addresses
        if address in public or wish.allow_private or _family(address) in behind_nat
    )


def outside_addresses(facts: Facts, wish: Wish) -> tuple[str, ...]:
    """Where to ask this host from outside: what was declared, else its own addresses, public ones first."""
    own = sorted(service_addresses(facts, wish), key=lambda address: special_range(address) is not None)
    return wish.public_addresses or tuple(own)


def gather(
    host: Host, facts: Facts, wish: Wish, pins: tuple[Pin, ...], known: Optional[Mapping[str, tuple[str, ...]]] = None
) -> Evidence:
    """Look at everything the checks need; the waits run side by side.

    `known`: where names lead, as it was asked a moment ago; only the others are asked.
    """
    from ntpjoin.wire.control import answers_control  # noqa: PLC0415 - sockets only where something is asked
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415
    from ntpjoin.wire.ntp import exchange  # noqa: PLC0415

    addresses = service_addresses(facts, wish)

    def tells(address: str) -> Optional[bool]:
        try:
            return answers_control(address, timeout_s=1.0)
        except WireError:
            return None

    control = {address: Job(partial(tells, address)) for address in addresses}
    asked = Job(lambda: exchange(addresses))
    leads, at = dict(known or {}), {pin.name: pin.address for pin in pins}
    resolved = Job(lambda: resolve([pin.name for pin in pins if pin.name not in leads]))
    unit = facts.unit(facts.system.row.unit) if facts.system.row else None
    said = Job(lambda: _complaints(host, unit)) if unit and unit.running else None
    return Evidence(
        answers={answer.address: answer for answer in asked.result()},
        tells={address: job.result() for address, job in control.items()},
        leads={**leads, **{one.name: one.told_beside(at[one.name]) for one in resolved.result()}},
        complaints=said.result() if said else (),
    )


def _complaints(host: Host, unit: Unit) -> tuple[str, ...]:
    try:
        return tuple(filter(None, map(ntpd.log_complaint, services(host).log(host, unit))))
    except CommandFailed:  # a big journal on a slow disk: what the daemon does is seen without its words
        return ()


def judge(facts: Facts, wish: Wish, pins: tuple[Pin, ...], evidence: Evidence) -> tuple[Check, ...]:
    """All checks, in the order in which one would mend what they find. Pure."""
    row = facts.system.row
    if row is None:
        return (Check("system", FAIL, f"{facts.system.title} is not supported"),)
    found: list[Check] = [*_journal(facts), *_service(facts, row)]
    if facts.journal.unseen:
        found.append(Check("remembered", UNKNOWN, JOURNAL_UNSEEN, "sudo ntpjoin verify"))
    found += _log(evidence, row)
    board = facts.daemon.board if facts.daemon else Billboard()
    found += sync.synchronisation(facts, row)
    found += sync.upstreams(board, pins, young=facts.daemon is not None and facts.daemon.age_s < SETTLING_S)
    found += sync.followed(board, pins)
    found += _pins(evidence, pins)
    found += _answers(facts, evidence, wish)
    found += _closed(evidence, told=board.system is not None)
    found += clock.setters(facts, row)
    found += judge_firewall(facts.firewall)
    found += judge_monitor(facts, wish)
    found.append(_outside(facts, wish))
    return tuple(found)


def _journal(facts: Facts) -> Iterator[Check]:
    """Told only where it is not so: without it nobody knows which upstreams were chosen."""
    if facts.journal.problem:
        text = f"{facts.journal.problem}; so what was asked for is not known"
        yield Check("journal", UNKNOWN, text, facts.journal.remedy)


def settling(facts: Facts, checks: tuple[Check, ...]) -> bool:
    """Whether the only faults are those that a young daemon loses by itself."""
    failed = [check for check in checks if check.state is FAIL]
    young = facts.daemon is not None and facts.daemon.age_s < SETTLING_S
    return bool(failed) and young and all(check.id in _PASSING for check in failed)


def _service(facts: Facts, row: Row) -> Iterator[Check]:
    unit, daemon = facts.unit(row.unit), facts.daemon
    if not unit.running:
        why = (
            ": it is held back until it is configured" if unit.held else "" if unit.exists else ": it is not installed"
        )
        remedy = to_type("start", row.unit) if unit.exists and not unit.held else "ntpjoin setup"
        if unit.load == "masked":
            remedy = f"{to_type('unmask', row.unit)}; ntpjoin setup"
        yield Check("service.running", FAIL, f"{row.unit} does not run{why}", remedy)
        return
    yield Check("service.running", OK, f"{row.unit} runs")
    enabled = unit.enabled == "enabled"
    text = f"{row.unit} starts at boot" if enabled else f"{row.unit} is {unit.enabled}: it would not start at boot"
    yield Check("service.enabled", OK if enabled else FAIL, text, "" if enabled else to_type("enable", row.unit))
    yield _reads(daemon, unit, row)
    yield from _file(facts, row)
    yield from _dhcp(facts, row)
    if facts.holders is None:
        yield Check("service.port", UNKNOWN, "who holds UDP 123 can only be seen by root")
    else:
        holds = daemon is not None and any(holder.pid == daemon.pid for holder in facts.holders)
        yield Check(
            "service.port", OK if holds else FAIL, "ntpd holds UDP 123" if holds else "ntpd does not hold UDP 123"
        )


def _reads(daemon: Optional[Daemon], unit: Unit, row: Row) -> Check:
    if daemon is None:
        return Check("service.config", FAIL, f"{row.unit} runs, but no process of it is {row.daemon}")
    if daemon.pid != unit.pid:
        text = f"the process of {row.unit} ({unit.pid}) is not ntpd, but {daemon.pid} is"
        return Check("service.config", FAIL, text, to_type("status", row.unit))
    if daemon.config != row.config:
        return Check("service.config", FAIL, f"ntpd reads {daemon.config}, not {row.config}", "ntpjoin setup")
    return Check("service.config", OK, f"ntpd reads {row.config}")


def _file(facts: Facts, row: Row) -> Iterator[Check]:
    """Whether the file is still the one that was written; told where one was."""
    there = facts.files.get(row.config)
    if row.config not in facts.journal.written:
        yield from _moved(facts, row)
        return
    if there and there.unseen:
        return
    if there and there.ours:
        yield Check("service.file", OK, f"{row.config} is as it was written")
    elif there and there.stock:
        text = f"{row.config} is the package's own again: the package manager replaced ours"
        yield Check("service.file", FAIL, text, "ntpjoin setup")
    else:
        what = "was edited since it was written" if there else "is gone"
        yield Check("service.file", WARN, f"{row.config} {what}", "ntpjoin plan --replace shows what differs")


def _moved(facts: Facts, row: Row) -> Iterator[Check]:
    """An upgrade of the distribution may bring another engine, which reads another file: Debian 12 did."""
    ours = sorted({one.config for one in ROWS} & set(facts.journal.written))
    if ours:
        text = f"ntpd reads {row.config} now; {ours[0]}, which was written, is no longer read"
        yield Check("service.file", FAIL, text, "ntpjoin setup")


def _dhcp(facts: Facts, row: Row) -> Iterator[Check]:
    """Whether the daemon will still read our file after its next start, whatever DHCP says."""
    if not row.dhcp:
        return
    lacking = [one for one in row.dhcp if not _is_set(facts, one)]
    if not lacking:
        where = ", ".join(f"{one.key} in {one.path}" for one in row.dhcp)
        yield Check("service.dhcp", OK, f"DHCP cannot replace the configuration ({where})")
    elif facts.dhcp_config:
        yield Check("service.dhcp", FAIL, f"once started again ntpd would read {row.dhcp_config}", "ntpjoin setup")
    else:
        text = f"DHCP may replace the configuration ({lacking[0].key} is not set in {lacking[0].path})"
        yield Check("service.dhcp", WARN, text, "ntpjoin setup")


def _is_set(facts: Facts, setting: Setting) -> bool:
    there = facts.files.get(setting.path)
    return there is not None and settings.value(there.content, setting.key) == setting.value


def _log(evidence: Evidence, row: Row) -> Iterator[Check]:
    for complaint in evidence.complaints:
        yield Check("service.log", WARN, f"ntpd complains: {complaint}", to_type("log", row.unit))


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
            "answers.address",
            UNKNOWN if wish.public_addresses or facts.journal.unseen else WARN,
            text,
            "sudo ntpjoin verify" if facts.journal.unseen else "ntpjoin setup --public-address ADDR",
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


def _outside(facts: Facts, wish: Wish) -> Check:
    """What this host asks of its own address never meets its firewall, nor what stands before it."""
    addresses = outside_addresses(facts, wish)
    remedy = "on another machine: " + "; ".join(f"ntpdig {address}" for address in addresses) if addresses else ""
    return Check("outside", UNKNOWN, "from outside it has not been tried", remedy)


def _family(address: str) -> str:
    return "ipv6" if ":" in address else "ipv4"

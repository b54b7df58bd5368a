"""What is asked of this host and of others for the checks, beside the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import partial
from typing import Optional

from ntpjoin.checks.addresses import service_addresses
from ntpjoin.checks.lasting import pointers
from ntpjoin.checks.unheard import silent
from ntpjoin.errors import CommandFailed, WireError
from ntpjoin.facts import Facts, Unit
from ntpjoin.host import ntpd
from ntpjoin.host.machine import Host
from ntpjoin.host.services.manager import services
from ntpjoin.job import Job
from ntpjoin.model import Asked, Pin, Wish
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Evidence:
    """What was asked for the checks, beside the facts.

    Per own address: what it answers to a client, and in which modes it answers management queries (6, 7; None: not asked);
    per pinned name: where it leads today (nowhere: DNS did not tell);
    per public address: its `names` in DNS (None: DNS did not tell);
    per source, where the daemon hears none of them: what it answers to another client on this host.
    """

    answers: Mapping[str, Asked]
    tells: Mapping[str, Optional[tuple[int, ...]]]
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    names: Mapping[str, Optional[tuple[str, ...]]] = field(default_factory=dict)
    unheard: Mapping[str, Asked] = field(default_factory=dict)


def gather(
    host: Host, facts: Facts, wish: Wish, pins: tuple[Pin, ...], known: Optional[Mapping[str, tuple[str, ...]]] = None
) -> Evidence:
    """Look at everything the checks need; the waits run side by side.

    `known`: where names lead, as it was asked a moment ago; only the others are asked.
    """
    from ntpjoin.wire.dns import names_of, resolve  # noqa: PLC0415
    from ntpjoin.wire.management import managed  # noqa: PLC0415 - sockets only where something is asked
    from ntpjoin.wire.ntp import exchange  # noqa: PLC0415

    addresses = service_addresses(facts, wish)

    def tells(address: str) -> Optional[tuple[int, ...]]:
        try:
            return managed(address, timeout_s=1.0)
        except WireError:
            return None

    control = {address: Job(partial(tells, address)) for address in addresses}
    asked = Job(lambda: exchange(addresses))
    unheard = Job(lambda: exchange(silent(facts), tries=1))
    leads, at = dict(known or {}), {pin.name: pin.address for pin in pins}
    resolved = Job(lambda: resolve([pin.name for pin in pins if pin.name not in leads]))
    called = Job(lambda: names_of(pointers(facts, wish)))
    unit = facts.unit(facts.system.row.unit) if facts.system.row else None
    said = Job(lambda: _complaints(host, unit)) if unit and unit.running else None
    return Evidence(
        answers={answer.address: answer for answer in asked.result()},
        tells={address: job.result() for address, job in control.items()},
        leads={**leads, **{one.name: one.told_beside(at[one.name]) for one in resolved.result()}},
        complaints=said.result() if said else (),
        names=called.result(),
        unheard={answer.address: answer for answer in unheard.result()},
    )


def _complaints(host: Host, unit: Unit) -> tuple[str, ...]:
    try:
        return tuple(filter(None, map(ntpd.log_complaint, services(host).log(host, unit))))
    except CommandFailed:  # a big journal on a slow disk: what the daemon does is seen without its words
        return ()

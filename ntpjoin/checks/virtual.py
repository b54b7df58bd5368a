"""What this host runs on, and whether a clock can be kept well there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.surroundings import Machine

OK, WARN = CheckState.OK, CheckState.WARN

#: The kernel counts ticks where it has nothing better (Documentation/timers/timekeeping.rst): milliseconds.
_TICKS = ("jiffies", "refined-jiffies", "pit")
#: Each reading takes a microsecond and more, for which a hypervisor has to be asked.
_SLOW = ("acpi_pm", "hpet")
_FILE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_STOLEN_PERCENT = 10.0


def virtual(facts: Facts) -> Iterator[Check]:
    """What was seen, or one warning for each thing that keeps a clock from being good."""
    machine = facts.surroundings.machine
    stolen = machine.stolen_percent
    measure = Measure(stolen, "%", warn=_STOLEN_PERCENT) if stolen is not None else None
    found = []
    if not facts.system.may_set_clock:
        kind = f" ({machine.container})" if machine.container else ""
        text = f"this container{kind} may not set the clock, so ntpd cannot keep it"
        found.append(
            Check("host.virtual", WARN, text, "run ntpd on the machine below it, or give it CAP_SYS_TIME there")
        )
    found += _clocksource(machine)
    if stolen is not None and stolen >= _STOLEN_PERCENT:
        text = f"the machine below gave {stolen:.1f} % of this one's time to others: what ntpd measures comes late"
        found.append(Check("host.virtual", WARN, text, "ask the provider for a place that is less crowded", measure))
    yield from found or [Check("host.virtual", OK, _words(machine), measure=measure)]


def _clocksource(machine: Machine) -> Iterator[Check]:
    now = machine.clocksource
    better = next((name for name in machine.clocksources if name not in (*_TICKS, *_SLOW)), "")
    if now in _TICKS or (now in _SLOW and better):
        why = "only counts ticks" if now in _TICKS else f"is slow, and {better} is there"
        keep = f"to keep it: clocksource={better} on the kernel's command line"
        remedy = (
            f"echo {better} >{_FILE}; {keep}" if better else "give the machine another clock: kvm-clock, TSC or HPET"
        )
        yield Check("host.virtual", WARN, f"the kernel reads the time from {now}, which {why}", remedy)


def _words(machine: Machine) -> str:
    kind = "a virtual machine" if machine.virtual else "no virtual machine"
    told = [f"{kind} ({machine.product})" if machine.product else kind]
    if machine.container:
        told.append(f"in a container ({machine.container}) that may set the clock")
    if machine.clocksource:
        told.append(f"its clock is {machine.clocksource}")
    if machine.virtual and machine.stolen_percent is not None:
        told.append(f"{machine.stolen_percent:.1f} % of its time went to others")
    return ", ".join(told)

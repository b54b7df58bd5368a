"""Each kind of system is set up, serves, stays so after a reboot, and is taken back: by its own package manager and init."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab, Server
from tests.real import guises, operator
from tests.real.journey import Journey, remember, travel

pytestmark = pytest.mark.real

_AS_BOOTED = "as-booted"


def arrived(way: Journey) -> None:
    """The journey is in the table, and had no fault."""
    remember(way)
    assert not way.faults, "\n".join(way.faults)


@pytest.fixture(scope="module")
def foreign() -> Iterator[tuple[Lab, Server]]:
    """A server with the package managers of other systems, as it was when it had just booted."""
    with Lab(system="foreign") as lab:
        server = lab.boot_server(clock_offset=-7200)
        server.checkpoint(_AS_BOOTED)
        yield lab, server


@pytest.mark.parametrize(
    ("guise", "words"),
    [
        ("el-9", ["--enable-epel"]),
        ("leap-15", []),
        pytest.param("arch", [], marks=pytest.mark.campaign),
    ],
)
def test_a_system_with_another_package_manager(foreign: tuple[Lab, Server], guise: str, words: list[str]) -> None:
    lab, server = foreign
    lab.heal()
    server.rollback(_AS_BOOTED)
    guises.put_on(server, guise)
    arrived(travel(lab, server, guise, *words, causes=operator.FOREIGN_CAUSES))


@pytest.mark.campaign
@pytest.mark.parametrize("system", ["debian-11", "debian-13"])
def test_another_release_of_debian(system: str) -> None:
    with Lab(system=system) as lab:
        server = lab.boot_server(clock_offset=-7200)
        if system == "debian-13":
            set_the_clock_first(server)
        arrived(travel(lab, server, system))
        denied = server.run(["sh", "-c", "journalctl -k | grep -i 'apparmor=.DENIED'"])
        assert denied.out == "", "AppArmor denied something"


def set_the_clock_first(server: Server) -> None:
    """Its apt refuses signatures from the future, whatever it is told of the clock: that is said, with what to type."""
    operator.carry(server)
    refused = operator.set_up(server)
    assert refused.code == 3, refused.out + refused.err
    assert "date -s '+SECONDS seconds'" in refused.out
    server.run(["date", "-s", "+7200 seconds"], check=True)


def test_init_scripts() -> None:
    with Lab(system="sysvinit") as lab:
        server = lab.boot_server(clock_offset=-7200)
        arrived(travel(lab, server, "sysvinit", causes=operator.SCRIPT_CAUSES))


@pytest.mark.campaign
def test_init_scripts_as_devuan() -> None:
    with Lab(system="sysvinit") as lab:
        server = lab.boot_server(clock_offset=-7200)
        guises.put_on(server, "devuan-5")
        arrived(travel(lab, server, "devuan-5", causes=operator.SCRIPT_CAUSES))

"""The guard that keeps fast tests fast and on this machine can itself fail a test."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from tests.conftest import Guard, Programs


def test_a_program_in_a_fast_test_is_an_error(guarded: Guard) -> None:
    with pytest.raises(pytest.fail.Exception, match="runs a program"):
        subprocess.run(["true"], check=False)
    with pytest.raises(pytest.fail.Exception, match="runs a program"):
        os.system("true")
    assert len(guarded.caught) == 2
    guarded.caught.clear()


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "8.8.8.8"])
def test_a_packet_to_elsewhere_is_an_error(guarded: Guard, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        with pytest.raises(pytest.fail.Exception, match="sends packets"):
            door.sendto(b"", (address, 9))
        with pytest.raises(pytest.fail.Exception, match="sends packets"):
            door.connect((address, 9))
    guarded.caught.clear()


def test_resolving_a_name_is_an_error(guarded: Guard) -> None:
    with pytest.raises(pytest.fail.Exception, match="resolves a name"):
        socket.getaddrinfo("ntp1.example.net", 123)
    guarded.caught.clear()


def test_loopback_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.connect(("127.0.0.1", 9))
    socket.getaddrinfo("127.0.0.1", 123)


def test_a_test_that_asks_for_programs_may_run_its_own(programs: Programs) -> None:
    programs.says("hello", "there\n")
    said = subprocess.run([str(programs.folder / "hello"), "a b"], check=True, capture_output=True, text=True)
    assert said.stdout == "there\n"
    assert programs.calls("hello") == ["hello a b"]

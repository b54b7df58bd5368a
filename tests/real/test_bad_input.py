"""Bad input on a real network: not one packet leaves the host. And one host under two names counts once."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from tests.real import operator, outsider
from tests.test_bad_input import UPSTREAMS as BAD

pytestmark = pytest.mark.real

EVERYTHING = "udp or tcp or icmp or icmp6 and not icmp6[0] >= 133"


def test_no_packet_leaves_before_bad_input_is_refused(lab: Lab) -> None:
    good = ["plan", "--allow-private", *outsider.UPSTREAMS]
    with lab.capture("client", EVERYTHING) as control:
        assert outsider.run(lab, *good).code == 3
    ports = {word.rsplit(".", 1)[1].rstrip(":") for line in control.lines for word in line.split() if "." in word}
    assert {"53", "123"} <= ports
    with lab.capture("client", EVERYTHING) as silence:
        for text, named in BAD:
            refused = outsider.run(lab, *good, "--upstream", text)
            assert (refused.code, refused.out) == (2, ""), text
            assert named in refused.err.splitlines()[0]
    assert not any(silence.lines)


def test_a_host_with_two_names_counts_once_and_this_is_said(lab: Lab) -> None:
    words = ["plan", "--json", "--allow-private", *outsider.UPSTREAMS, "--upstream", "alias.alpha.example"]
    page = operator.page(outsider.run(lab, *words))
    assert [one["name"] for one in page["upstreams"]] == outsider.NAMES
    [dropped] = page["dropped"]
    assert (dropped["name"], dropped["why"]) == ("alias.alpha.example", f"the same server as {outsider.NAMES[0]}")
    four = ["plan", "--allow-private", *outsider.UPSTREAMS[:6], "--upstream", "alias.alpha.example"]
    blocked = outsider.run(lab, *four)
    assert blocked.code == 3
    assert "3 of 4 upstreams are left, 4 are needed" in blocked.out
    assert f"alias.alpha.example: the same server as {outsider.NAMES[0]}" in blocked.out


def test_a_name_given_twice_counts_once_and_this_is_said(lab: Lab) -> None:
    words = ["plan", "--allow-private", *outsider.UPSTREAMS[:6], "--upstream", outsider.NAMES[0].upper()]
    refused = outsider.run(lab, *words)
    assert refused.code == 2
    assert f"{outsider.NAMES[0]} is named more than once; it counts once" in refused.err
    assert "at least 4 upstreams are needed, 3 named" in refused.err

"""The one file to carry on every Python there is: Debian 11's, 12's and 13's own, and those that lie on this machine.

A plan goes through all of it: click, DNS, NTP, the template, one JSON object. It is made on the lab's client, where there is no
systemd and we are nobody, so it ends blocked, and untouched.
"""

from __future__ import annotations

import pytest

from tests.lab import Lab
from tests.lab.trees import tree
from tests.real import operator, outsider
from tests.test_packaging import interpreter

pytestmark = pytest.mark.real

#: None: the tree in which the lab's hosts run, Debian 12.
TREES = {"3.9": "bullseye", "3.11": None, "3.13": "trixie"}


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_archive_plans(lab: Lab, version: str) -> None:
    root, python = None, ""
    if version in TREES:
        suite = TREES[version]
        root = tree(suite, lab.log) if suite else None
    else:
        found = interpreter(version)
        if not found:
            pytest.skip(f"no Python {version} on this machine")
        python = found
    helped = outsider.run(lab, "plan", "--help", tree=root, interpreter=python)
    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith("Usage: ntpjoin plan")
    planned = outsider.run(lab, "plan", "--json", "--allow-private", *outsider.UPSTREAMS, tree=root, interpreter=python)
    page = operator.page(planned)
    assert planned.code == 3, planned
    # In the lab's tree ntpsec is unpacked by force, beside chrony.
    assert {blocker["code"] for blocker in page["blockers"]} - {"half-installed"} == {"not-root", "init"}
    [config] = [change for change in page["changes"] if change["kind"] == "config"]
    followed = [line.split() for line in config["diff"].splitlines() if line.startswith("+server ")]
    assert [line[-1] for line in followed] == outsider.NAMES
    assert [line[1] for line in followed] == [one["address"] for one in page["upstreams"]]


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8"])
def test_an_older_python_is_told_in_one_line_which_one_is_needed(lab: Lab, version: str) -> None:
    found = interpreter(version)
    if not found:
        pytest.skip(f"no Python {version} on this machine")
    refused = outsider.run(lab, "plan", *outsider.UPSTREAMS, interpreter=found)
    assert (refused.code, refused.out) == (3, "")
    assert refused.err.startswith(f"ntpjoin: this needs Python 3.9 or newer, this is Python {version}.")
    assert refused.err.count("\n") == 1

"""Lost browsers on real web servers with an operator's sites: sent on where that is free, refused where it is not, all taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab, Server
from tests.lab.hosts import SERVER4, SERVER6
from tests.real import operator

pytestmark = pytest.mark.real

POOL = "https://www.ntppool.org/"
TOKEN = "/.well-known/acme-challenge/"
BROWSER = Path(__file__).with_name("browser.py")


@dataclass(frozen=True)
class Software:
    """One web server: its package, how its operator writes a site, makes one the default, and has it read."""

    package: str
    folder: str
    site: str
    default: tuple[str, str]
    stock: str
    ours: str

    def text(self, name: str) -> str:
        return self.site.replace("NAME", name)


NGINX = Software(
    package="nginx",
    folder="/etc/nginx/sites-enabled",
    site="""\
server {
    listen 80;
    listen [::]:80;
    server_name NAME.example www.NAME.example;
    root /srv/NAME;
    location = /old {
        return 302 /;
    }
}
""",
    default=("80;", "80 default_server;"),
    stock="default",
    ours="/etc/nginx/sites-available/ntpjoin",
)
APACHE = Software(
    package="apache2",
    folder="/etc/apache2/sites-enabled",
    site="""\
<VirtualHost *:80>
    ServerName NAME.example
    ServerAlias www.NAME.example
    DocumentRoot /srv/NAME
    Redirect 302 /old http://NAME.example/
    <Directory /srv/NAME>
        Require all granted
    </Directory>
</VirtualHost>
""",
    default=("ServerAlias www", "ServerAlias * www"),
    stock="000-default.conf",
    ours="/etc/apache2/sites-available/0-ntpjoin.conf",
)


def site_file(software: Software, name: str) -> str:
    return f"{software.folder}/{name}{'.conf' if software is APACHE else ''}"


def write(server: Server, path: str, text: str) -> None:
    server.run(["install", "-D", "-m", "644", "/dev/stdin", path], input=text, check=True)


def install(server: Server, *packages: str) -> None:
    """By a clock that is two hours behind."""
    apt = ["apt-get", "-q", "-o", "Acquire::Max-FutureTime=86400"]
    server.run([*apt, "update"], check=True, timeout=60 * server.slowness)
    server.run([*apt, "-y", "--no-install-recommends", "install", *packages], check=True, timeout=120 * server.slowness)


def serve(server: Server, software: Software) -> None:
    """A web server with the package's default site and two of its operator's."""
    install(server, software.package)
    for name in ("alpha", "beta"):
        write(server, f"/srv/{name}/index.html", f"this is {name}\n")
        write(server, site_file(software, name), software.text(name))
    server.run(["systemctl", "reload", software.package], check=True, timeout=60 * server.slowness)
    server.run(["ufw", "allow", "80/tcp"], check=True, timeout=60)


Seen = dict[str, dict[str, list[Any]]]


def seen(lab: Lab) -> Seen:
    """What another host sees over both families: of the operator's sites, of strangers, and of what is to be left alone."""
    asked = []
    for address, bare in ((SERVER4, SERVER4), (SERVER6, f"[{SERVER6}]")):
        names = [f"{name}.example" for name in ("alpha", "www.alpha", "beta", "www.beta")]
        strangers = [
            (bare, "/a/b?c"),
            *((name, "/") for name in (bare, "nobody.example", "de.pool.ntp.org", "time1.example")),
        ]
        asked += [("sites", address, name, path) for name in names for path in ("/", "/old", "/none")]
        asked += [("strangers", address, *page) for page in strangers]
        asked += [("left", address, bare, f"{TOKEN}x"), ("left", address, "nobody.example", TOKEN)]
    questions = json.dumps([question for _, *question in asked])
    said = lab.client.run(["python3", "-c", BROWSER.read_text()], input=questions, check=True, timeout=300)
    found: Seen = {"sites": {}, "strangers": {}, "left": {}}
    for (kind, address, host, path), answer in zip(asked, json.loads(said.out)):
        found[kind][f"{address} {host}{path}"] = answer
    return found


def sent(answers: Mapping[str, list[Any]]) -> set[bool]:
    return {status == 301 and location.startswith(POOL) for status, location, _ in answers.values()}


def redirect(server: Server, *words: str) -> tuple[int, dict[str, Any]]:
    done = operator.ntpjoin(server, "web-redirect", "--apply", "--yes", "--json", *words, timeout=90)
    assert done.out, done.err
    return done.code, operator.page(done)


def codes(page: Mapping[str, Any]) -> list[str]:
    return [blocker["code"] for blocker in page["blockers"]]


def journey(lab: Lab, server: Server, software: Software) -> None:
    """From the plan to undo."""
    serve(server, software)
    write(server, "/var/www/html/.well-known/acme-challenge/x", "a token\n")
    fresh, before = server.snapshot(), seen(lab)
    assert sent(before["strangers"]) == {False}, before

    printed = operator.ntpjoin(server, "web-redirect")
    assert printed.code == 0, printed.err
    code, page = redirect(server)
    assert (code, [(one["kind"], one["state"]) for one in page["changes"]]) == (0, [("site", "done")]), page
    assert server.run(["cat", software.ours], check=True).out == printed.out
    now = seen(lab)
    assert sent(now["strangers"]) == {True}, now["strangers"]
    assert now["sites"] == before["sites"]
    assert sent(now["left"]) == {False}, now["left"]
    assert {answer[2] for name, answer in now["left"].items() if name.endswith("/x")} == {"a token\n"}
    code, page = redirect(server)
    assert (code, page["changed"], page["notes"], [one["state"] for one in page["changes"]]) == (
        0,
        False,
        [],
        ["unchanged"],
    )

    undone = operator.ntpjoin(server, "undo", "--yes", "--json", timeout=90)
    assert undone.code == 0, undone.out + undone.err
    assert fresh.diff(server.snapshot()) == []
    assert seen(lab) == before


def test_nginx(lab: Lab, server: Server) -> None:
    operator.carry(server)
    bare = operator.ntpjoin(server, "web-redirect", "--apply", "--yes")
    assert (bare.code, "this host has no web server" in bare.out) == (3, True), bare.out
    assert server.run(["which", "nginx", "apache2"]).out == ""
    journey(lab, server, NGINX)
    default_of_its_operators(lab, server, NGINX)


@pytest.mark.campaign
def test_apache(lab: Lab, server: Server) -> None:
    operator.carry(server)
    journey(lab, server, APACHE)
    default_of_its_operators(lab, server, APACHE)


def default_of_its_operators(lab: Lab, server: Server, software: Software) -> None:
    """A site that says that it is the default keeps who comes to it, whatever is typed."""
    server.run(["rm", f"{software.folder}/{software.stock}"], check=True)
    write(server, site_file(software, "alpha"), software.text("alpha").replace(*software.default))
    server.run(["systemctl", "reload", software.package], check=True, timeout=60 * server.slowness)
    refused(lab, server, "--take-default")


def refused(lab: Lab, server: Server, *words: str) -> dict[str, Any]:
    """Nothing is touched; gives the reason."""
    before = files(server), seen(lab)
    code, page = redirect(server, *words)
    assert (code, codes(page)) == (3, ["default-site"]), page
    assert (files(server), seen(lab)) == before
    assert before[1]["strangers"][f"{SERVER4} {SERVER4}/"][2] == "this is alpha\n"
    reason: dict[str, Any] = page["blockers"][0]
    return reason


def files(server: Server) -> str:
    """What stands in the folders of web servers."""
    return server.run(["sh", "-c", "cd /etc; tar c --mtime=@0 apache2 nginx 2>/dev/null | sha256sum"], check=True).out


@pytest.mark.campaign
@pytest.mark.parametrize("software", [NGINX, APACHE], ids=lambda one: one.package)
def test_a_site_that_only_comes_first_gives_way_on_demand_and_gets_strangers_back(
    lab: Lab, server: Server, software: Software
) -> None:
    operator.carry(server)
    serve(server, software)
    server.run(["rm", f"{software.folder}/{software.stock}"], check=True)
    server.run(["systemctl", "reload", software.package], check=True, timeout=60 * server.slowness)
    assert "--take-default" in refused(lab, server)["remedy"]
    # Debian starts it when it installs apache2, and at no boot.
    server.run(["systemctl", "stop", "apache-htcacheclean.service"])
    fresh, before = server.snapshot(), seen(lab)
    assert redirect(server, "--take-default")[0] == 0
    now = seen(lab)
    assert (sent(now["strangers"]), now["sites"]) == ({True}, before["sites"])
    # It outlives a reboot, and what was edited since is its operator's.
    server.reboot()
    assert sent(seen(lab)["strangers"]) == {True}
    server.run(["sh", "-c", f"echo '# mine' >>{software.ours}"], check=True)
    kept = operator.ntpjoin(server, "undo", "--yes", timeout=90)
    assert (kept.code, "was edited since and is kept" in kept.out) == (4, True), kept.out
    assert sent(seen(lab)["strangers"]) == {True}
    server.run(["sed", "-i", "$d", software.ours], check=True)
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=90)
    assert undone.code == 0, undone.out + undone.err
    assert fresh.diff(server.snapshot()) == []
    assert seen(lab) == before


@pytest.mark.campaign
def test_what_nginx_does_not_accept_it_never_reads_and_all_is_taken_back(lab: Lab, server: Server) -> None:
    operator.carry(server)
    install(server, "nginx")
    server.run(["ufw", "allow", "80/tcp"], check=True, timeout=60)
    # Somebody includes what he should not: nothing, until our site is there.
    write(server, "/etc/nginx/conf.d/map.conf", "map $host $lab { include /etc/nginx/sites-enabled/ntpjoin*; }\n")
    server.run(["systemctl", "reload", "nginx"], check=True, timeout=60 * server.slowness)
    workers = server.run(["pgrep", "-f", "nginx: [w]orker"], check=True).out
    fresh, before = server.snapshot(), seen(lab)
    code, page = redirect(server)
    assert code == 1, page
    assert page["taken_back"][0]["state"] == "restored", page
    assert "in /etc/nginx/sites-enabled/ntpjoin:" in page["errors"][0]["message"], page["errors"]
    assert fresh.diff(server.snapshot()) == []
    assert server.run(["pgrep", "-f", "nginx: [w]orker"], check=True).out == workers
    assert seen(lab) == before


@pytest.mark.campaign
def test_both_web_servers_on_one_host_the_one_that_has_the_port_counts(lab: Lab, server: Server) -> None:
    operator.carry(server)
    serve(server, NGINX)
    install(server, "apache2")
    printed = operator.ntpjoin(server, "web-redirect")
    assert (printed.code, printed.out.count("server {")) == (0, 1), printed.err
    server.run(["systemctl", "stop", "nginx"], check=True, timeout=60 * server.slowness)
    server.run(["systemctl", "restart", "apache2"], check=True, timeout=60 * server.slowness)
    printed = operator.ntpjoin(server, "web-redirect")
    assert (printed.code, printed.out.count("<VirtualHost *:80>")) == (0, 1), printed.err
    assert redirect(server)[0] == 0
    assert sent(seen(lab)["strangers"]) == {True}
    assert operator.ntpjoin(server, "undo", "--yes", timeout=90).code == 0

"""Which web server a host has, what it has and answers; each told by what lies there and by those who answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.facts import Facts, Holder
from ntpjoin.host import ports
from ntpjoin.host.machine import Host
from ntpjoin.host.webservers import APACHE_DEBIAN, APACHE_RPM, NGINX_DEBIAN
from ntpjoin.look.look import look_again
from ntpjoin.web import NOBODY, POOL_SITE, Visit, WebFacts
from ntpjoin.wire import visit as visit_module
from tests.conftest import Programs, put
from tests.sample import OWN4, OWN6, SYSTEM, changed, fresh
from tests.webs import APACHE, FILES, NGINX

RUNNING = "Id=x\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=7\n"
PAGE = b"<html>it works</html>"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Nobody is asked for real; every name of the pool leads to its site."""
    questions: list[tuple[str, str, str]] = []

    def visit(address: str, name: str, path: str = "/", **_: Any) -> Visit:
        questions.append((address, name, path))
        return Visit(address, name, path, *((301, POOL_SITE) if name == "pool.ntp.org" else (200, "")))

    monkeypatch.setattr(visit_module, "visit", visit)
    return questions


@pytest.fixture
def nginx(tree: Host, programs: Programs, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> Host:
    """A Debian with nginx as its package brings it, and two sites."""
    del asked
    programs.says("nginx", NGINX)
    programs.says("systemctl", RUNNING)
    programs.says("dpkg-query", f" {NGINX_DEBIAN.brought} {md5('stock')}\n {NGINX_DEBIAN.main} {md5(MAIN)}\n")
    tree.make_folder("/run/systemd/system")
    put(tree, NGINX_DEBIAN.main, MAIN)
    put(tree, NGINX_DEBIAN.brought, "stock")
    tree.make_folder("/etc/nginx/sites-enabled")
    tree.link(NGINX_DEBIAN.default, NGINX_DEBIAN.brought)
    put(tree, "/usr/share/nginx/html/index.html", PAGE.decode())
    put(tree, "/var/www/html/index.nginx-debian.html", PAGE.decode())
    put(tree, "/proc/7/cmdline", "nginx: master process /usr/sbin/nginx\0")
    held(monkeypatch, "nginx")
    return tree


MAIN = f"http {{\n\tinclude {NGINX_DEBIAN.reads};\n}}\n"


def md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode()).hexdigest()


def held(monkeypatch: pytest.MonkeyPatch, *programs: str, root: bool = True) -> None:
    """These programs listen on TCP 80."""
    holders = tuple(Holder(7, name, "::") for name in programs)
    monkeypatch.setattr(ports, "holders", lambda *_, **__: holders if root else None)
    monkeypatch.setattr(Host, "is_root", lambda _: root)


def web(host: Host, facts: Optional[Facts] = None) -> WebFacts:
    found = look_again(host, replace(facts or fresh(), web=WebFacts(addresses=(OWN4, OWN6))), "web").web
    assert found is not None
    return found


# --- which one


def test_a_host_without_one_is_told_so(tree: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch)
    found = web(tree)
    assert (found.server, found.problem) == (None, "this host has no web server")
    held(monkeypatch, "caddy")
    found = web(tree)
    assert (found.server, found.stranger) == (None, "caddy")
    assert found.problem.startswith("TCP 80 is held by caddy")
    held(monkeypatch)
    programs.says("nginx")
    assert "reads no folder" not in web(tree).problem
    assert "nginx is here, but /etc/nginx/nginx.conf has it read no folder" in web(tree).problem


def test_the_one_that_holds_the_port_counts_then_the_one_that_runs(
    nginx: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.says("apache2ctl", APACHE)
    put(nginx, APACHE_DEBIAN.main, f"IncludeOptional {APACHE_DEBIAN.reads}\n")
    for name, row in (("nginx", NGINX_DEBIAN), ("apache2", APACHE_DEBIAN)):
        held(monkeypatch, name)
        assert web(nginx).server == row
    held(monkeypatch)
    assert web(nginx).server == NGINX_DEBIAN, "it runs"
    put(nginx, "/proc/8/cmdline", "/usr/sbin/apache2\0-k\0start\0")
    assert web(nginx).problem == "Apache and nginx are both here, and neither of them listens on TCP 80"
    held(monkeypatch, root=False)
    assert web(nginx).remedy == "sudo ntpjoin web-redirect"
    held(monkeypatch, "haproxy")
    nginx.remove("/proc/8/cmdline")
    found = web(nginx)
    assert (found.server, found.stranger) == (NGINX_DEBIAN, "haproxy")


def test_a_unit_that_does_not_run_is_asked_nothing(nginx: Host, programs: Programs, asked: list[Any]) -> None:
    programs.says("systemctl", RUNNING.replace("=active", "=inactive").replace("=running", "=dead"))
    found = web(nginx)
    assert (found.running, found.visits, asked) == (False, (), [])
    assert len(found.sites) == 3


def test_init_scripts_have_no_suffix_and_do_not_tell_of_their_process(nginx: Host) -> None:
    facts = changed(fresh(), system__init="init scripts")
    found = web(nginx, facts)
    assert found.server is not None
    assert (found.server.unit, found.running) == ("nginx", True)
    nginx.remove("/proc/7/cmdline")
    assert not web(nginx, facts).running
    assert not web(nginx, changed(fresh(), system__init=None)).running


# --- what it has


def test_its_sites_its_links_and_what_is_stock(nginx: Host) -> None:
    found = web(nginx)
    assert [site.file.rpartition("/")[2] for site in found.sites] == ["alpha", "beta", "default"]
    assert found.links == {NGINX_DEBIAN.link: None, NGINX_DEBIAN.default: NGINX_DEBIAN.brought}
    assert (found.stock, found.unclear) == ((NGINX_DEBIAN.brought, NGINX_DEBIAN.main), "")


def test_a_file_that_is_there_already_is_seen(nginx: Host) -> None:
    put(nginx, NGINX_DEBIAN.link, "mine")
    put(nginx, NGINX_DEBIAN.path, "mine")
    facts = look_again(nginx, replace(fresh(), web=WebFacts()), "web")
    assert facts.web is not None
    assert facts.web.links[NGINX_DEBIAN.link] == ""
    file = facts.files[NGINX_DEBIAN.path]
    assert file is not None
    assert (file.content, file.ours) == (b"mine", False)


@pytest.mark.parametrize(
    ("path", "text", "stock"),
    [
        (NGINX_DEBIAN.brought, "edited", (NGINX_DEBIAN.main,)),
        (NGINX_DEBIAN.main, f"{MAIN}# edited\n", (NGINX_DEBIAN.brought,)),
        ("/var/www/html/index.html", "of mine", ()),
        ("/var/www/html/index.nginx-debian.html", "edited", ()),
        ("/var/www/html/.well-known/acme-challenge/x", "x", (NGINX_DEBIAN.brought, NGINX_DEBIAN.main)),
    ],
)
def test_what_somebody_has_made_of_the_default_site_is_not_stock(
    nginx: Host, path: str, text: str, stock: tuple[str, ...]
) -> None:
    put(nginx, path, text)
    assert web(nginx).stock == stock


def test_another_site_in_the_place_of_the_default_is_not_stock(nginx: Host) -> None:
    nginx.remove(NGINX_DEBIAN.default)
    assert web(nginx).stock == (NGINX_DEBIAN.brought, NGINX_DEBIAN.main)
    nginx.link(NGINX_DEBIAN.default, "../sites-available/other")
    assert web(nginx).stock == ()


def test_pages_below_usr_are_known_by_their_names(
    nginx: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.says("httpd", "VirtualHost configuration:\n")
    held(monkeypatch, "httpd")
    put(nginx, APACHE_RPM.main, f"IncludeOptional {APACHE_RPM.reads}\n")
    programs.says("dpkg-query", f" {APACHE_RPM.main} {md5(f'IncludeOptional {APACHE_RPM.reads}' + chr(10))}\n")
    assert web(nginx).stock == (), "a page lies in its folder, which the package leaves empty"
    nginx.remove("/var/www/html/index.nginx-debian.html")
    assert web(nginx).stock == (APACHE_RPM.main,)


def test_what_the_server_does_not_accept_or_nobody_understands_is_said(nginx: Host, programs: Programs) -> None:
    programs.says("nginx", err='nginx: [emerg] unknown directive "foo"\n', code=1)
    assert (
        'nginx does not accept its configuration: nginx -T ended with exit code 1:\nnginx: [emerg] unknown directive "foo"'
        in (web(nginx).unclear)
    )
    programs.says("nginx", NGINX.replace("server {", "server {{", 1))
    assert web(nginx).unclear.startswith("the configuration of nginx cannot be understood: ")


@pytest.mark.parametrize(
    ("own", "hosts", "names"),
    [
        ("time1", "127.0.1.1 time1.example time1\n", ("time1.example",)),
        ("time1", "127.0.0.1 localhost.localdomain time1\n::1 ip6-x.y time1\n", ()),
        ("Time1.Example", "", ("time1.example",)),
        (
            "time1",
            "# 127.0.1.1 time1.example time1\n203.0.113.7 a.example b.example time1 # time2.example\n",
            ("a.example", "b.example"),
        ),
        ("", "127.0.0.1 a.example\n", ()),
    ],
)
def test_what_this_host_calls_itself(nginx: Host, own: str, hosts: str, names: tuple[str, ...]) -> None:
    put(nginx, "/proc/sys/kernel/hostname", f"{own}\n")
    put(nginx, "/etc/hosts", hosts)
    assert web(nginx).names == names


# --- what it answers


def test_strangers_known_names_and_what_is_left_alone_are_asked_for(nginx: Host, asked: list[Any]) -> None:
    found = web(nginx)
    names = ("alpha.example", "www.alpha.example", "beta.example", "www.beta.example")
    assert [(one.address, one.name) for one in found.visits] == [
        (OWN4, OWN4),
        (OWN4, NOBODY),
        (OWN6, f"[{OWN6}]"),
        (OWN6, NOBODY),
    ]
    assert [(one.address, one.name) for one in found.known] == [(OWN4, name) for name in names]
    assert {one.path for one in found.left} == {"/.well-known/ntpjoin"}
    assert len(asked) == len(found.visits) + len(found.known) + len(found.left)


def test_a_site_is_asked_where_it_listens_and_patterns_are_not(
    nginx: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = APACHE.replace("*:80  ", f"[{OWN6}]:80  ")
    programs.says("apache2ctl", dump)
    put(nginx, APACHE_DEBIAN.main, f"IncludeOptional {APACHE_DEBIAN.reads}\n")
    for path, text in FILES.items():
        put(nginx, path, text)
    held(monkeypatch, "apache2")
    found = web(nginx)
    assert [(one.address, one.name) for one in found.known] == [
        (OWN6, name) for name in ("alpha.example", "www.alpha.example", "beta.example", "www.beta.example")
    ]


def test_a_site_that_apache_reads_before_ours_is_known_as_such(
    nginx: Host, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.says("apache2ctl", "*:80                   www.example (/etc/apache2/conf-enabled/www.conf:1)\n")
    put(nginx, APACHE_DEBIAN.main, f"IncludeOptional conf-enabled/*.conf\nIncludeOptional {APACHE_DEBIAN.reads}\n")
    put(nginx, "/etc/apache2/conf-enabled/www.conf", "<VirtualHost *:80>\nServerName www.example\n</VirtualHost>\n")
    held(monkeypatch, "apache2")
    [site] = web(nginx).sites
    assert (site.names, site.named, site.earlier) == (("www.example",), True, True)


def test_on_a_system_that_is_in_no_row_nothing_is_stock(nginx: Host) -> None:
    facts = replace(fresh(), system=replace(SYSTEM, row=None))
    found = web(nginx, facts)
    assert (found.server, found.stock) == (NGINX_DEBIAN, ())


def test_who_listens_over_tcp(tree: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    line = "   {}: 00000000:0050 0100007F:{} {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 x\n"
    table = "  sl  local_address\n" + line.format(0, "0000", "0A", 501) + line.format(1, "9C40", "01", 502)
    put(tree, "/proc/net/tcp", table)
    put(tree, "/proc/7/cmdline", "nginx: master process x\0")
    Path(tree.path("/proc/7/fd")).mkdir(parents=True)
    tree.link("/proc/7/fd/6", "socket:[501]")
    put(tree, "/proc/8/cmdline", "/usr/bin/client\0")
    Path(tree.path("/proc/8/fd")).mkdir(parents=True)
    tree.link("/proc/8/fd/6", "socket:[502]")
    assert ports.holders(tree, 80, transport="tcp") == (Holder(7, "nginx", "0.0.0.0"),)
    assert ports.holders(tree, 80) == ()

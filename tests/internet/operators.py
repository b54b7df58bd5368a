"""Who runs the servers of a world, and in which networks: names, AS numbers and addresses that do not repeat."""

from __future__ import annotations

import ipaddress
import math
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.internet.places import CITIES, Place

#: Where all addresses of the test internet lie: public ones, so that no rule refuses them.
NETWORKS = ("5.0.0.0/8", "2a00::/12")

_FEWEST, _MOST = 4, 120
#: How often a network holds the operator after the next one too, and a subnet a host of another operator.
_SHARED_NETWORK, _SHARED_SUBNET = 0.15, 0.2
#: Hosts in a subnet.
_FULL = 100
#: Of an operator's servers: at his home, and elsewhere in the country.
_HOME, _COUNTRY = 0.55, 0.3


@dataclass
class Network:
    """An autonomous system: a /16 and a /32, of which subnets, a /24 and a /48 each, are given to operators at places."""

    number: int
    subnets: dict[tuple[str, str], int] = field(default_factory=dict)
    hosts: Counter[int] = field(default_factory=Counter)

    @property
    def asn(self) -> int:
        """Of those for 32 bits."""
        return 200_000 + self.number

    def addresses(self, operator: str, place: Place, dice: random.Random) -> tuple[str, str]:
        """Give the next pair of addresses, IPv4 and IPv6, of this operator at this place."""
        key = (operator, place.name)
        subnet = self.subnets.get(key, 0)
        if not subnet or self.hosts[subnet] >= _FULL:
            open_ones = [one for one, hosts in self.hosts.items() if hosts < _FULL]
            share = open_ones and dice.random() < _SHARED_SUBNET
            subnet = self.subnets[key] = dice.choice(open_ones) if share else len(self.hosts) + 1
        self.hosts[subnet] += 1
        # Two apart: the address beside one is nobody's.
        host = 2 * self.hosts[subnet]
        four = ipaddress.IPv4Address(5 << 24 | self.number << 16 | subnet << 8 | host)
        six = ipaddress.IPv6Address((0x2A00 + self.number % 16) << 112 | self.number << 96 | subnet << 80 | host)
        return str(four), str(six)


@dataclass(frozen=True)
class Operator:
    """Somebody who runs servers, from a home in his country."""

    name: str
    domain: str
    home: Place
    network: Network
    weight: float

    def somewhere(self, dice: random.Random) -> Place:
        """Draw a place for a server."""
        draw = dice.random()
        if draw < _HOME:
            return self.home
        near = [city for city in CITIES if city.country == self.home.country]
        return dice.choice(near if draw < _HOME + _COUNTRY else CITIES)


def draw_operators(dice: random.Random, servers: int) -> tuple[Operator, ...]:
    """From a handful, often, to very many; never more than there are servers."""
    count = min(round(math.exp(dice.uniform(math.log(_FEWEST), math.log(_MOST)))), servers)
    domains: dict[str, None] = {}
    while len(domains) < count:
        domains[f"{_word(dice)}.example"] = None
    operators: list[Operator] = []
    network = Network(1)
    for number, domain in enumerate(domains):
        if number and dice.random() >= _SHARED_NETWORK:
            network = Network(network.number + 1)
        name = f"{domain.partition('.')[0].capitalize()} Ltd"
        operators.append(Operator(name, domain, dice.choice(CITIES), network, dice.expovariate(1.0) + 0.1))
    return tuple(operators)


def hidden_upstream(number: int) -> str:
    """An address that a server may follow but that is no server of the world."""
    return str(ipaddress.IPv4Address(5 << 24 | 255 << 16 | number))


def _word(dice: random.Random) -> str:
    return "".join(dice.choice("bdfgklmnprstvz") + dice.choice("aeiou") for _ in range(3))

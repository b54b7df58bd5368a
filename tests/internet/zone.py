"""The names of a world: aliases, addresses, and those that show others each time."""

from __future__ import annotations

from dataclasses import dataclass

from ntpjoin.model import Family
from tests.internet.site import family_of
from tests.internet.stations import Behaviour
from tests.internet.world import World

TTL_S = 300


@dataclass(frozen=True)
class Record:
    """A name: its aliases, the last one last, and its addresses; where it `rotates`, one of each family at a time."""

    name: str
    chain: tuple[str, ...]
    addresses: tuple[str, ...]
    rotates: bool = False

    def shown(self, family: Family, turn: int) -> tuple[str, ...]:
        """Its addresses of a family, asked for the time `turn`, from 0."""
        mine = [address for address in self.addresses if family_of(address) == family]
        return (mine[turn % len(mine)],) if self.rotates and mine else tuple(mine)


def zone(world: World) -> dict[str, Record]:
    """All names of a world."""
    return {
        site.host: Record(site.host, site.chain, site.addresses, site.behaviour is Behaviour.ROTATES)
        for site in world.sites
    }

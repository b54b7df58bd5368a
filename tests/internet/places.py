"""Cities of the world, and how far it is between two places."""

from __future__ import annotations

import math
from dataclasses import dataclass

_EARTH_KM = 6371.0


@dataclass(frozen=True)
class Place:
    """A point on earth, in degrees; a city has a name and a country."""

    lat: float
    lon: float
    name: str = ""
    country: str = ""

    def distance_km(self, other: Place) -> float:
        """Along the great circle."""
        north, other_north = math.radians(self.lat), math.radians(other.lat)
        east = math.radians(other.lon - self.lon)
        half = math.sin((other_north - north) / 2) ** 2
        half += math.cos(north) * math.cos(other_north) * math.sin(east / 2) ** 2
        return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


_TABLE = """\
DE Berlin 52.52 13.40;DE Frankfurt 50.11 8.68;DE Munich 48.14 11.58;DE Braunschweig 52.27 10.52;NL Amsterdam 52.37 4.90
FR Paris 48.86 2.35;FR Lyon 45.76 4.84;GB London 51.51 -0.13;GB Manchester 53.48 -2.24;IE Dublin 53.35 -6.26
CH Zurich 47.38 8.54;AT Vienna 48.21 16.37;CZ Prague 50.08 14.44;PL Warsaw 52.23 21.01;SE Stockholm 59.33 18.07
NO Oslo 59.91 10.75;DK Copenhagen 55.68 12.57;FI Helsinki 60.17 24.94;ES Madrid 40.42 -3.70;PT Lisbon 38.72 -9.14
IT Turin 45.07 7.69;IT Rome 41.90 12.50;GR Athens 37.98 23.73;RO Bucharest 44.43 26.10;UA Kyiv 50.45 30.52
TR Istanbul 41.01 28.98;RU Moscow 55.76 37.62;IL Haifa 32.79 34.99;AE Dubai 25.20 55.27;IN Mumbai 19.08 72.88
IN Delhi 28.61 77.21;SG Singapore 1.35 103.82;TH Bangkok 13.76 100.50;CN Beijing 39.90 116.41;CN Shanghai 31.23 121.47
HK Hongkong 22.32 114.17;TW Taipei 25.03 121.57;KR Seoul 37.57 126.98;JP Tokyo 35.68 139.69;JP Osaka 34.69 135.50
AU Sydney -33.87 151.21;AU Perth -31.95 115.86;NZ Wellington -41.29 174.78;ZA Johannesburg -26.20 28.05;KE Nairobi -1.29 36.82
NG Lagos 6.52 3.38;EG Cairo 30.04 31.24;US Ashburn 39.04 -77.49;US Boulder 40.01 -105.27;US Seattle 47.61 -122.33
US Dallas 32.78 -96.80;US Chicago 41.88 -87.63;US Miami 25.76 -80.19;US Fremont 37.55 -121.99;CA Toronto 43.65 -79.38
CA Vancouver 49.28 -123.12;MX Mexico 19.43 -99.13;BR SaoPaulo -23.55 -46.63;BR Rio -22.91 -43.17;AR BuenosAires -34.60 -58.38
CL Santiago -33.45 -70.67;CO Bogota 4.71 -74.07"""


def _city(row: str) -> Place:
    country, name, lat, lon = row.split()
    return Place(float(lat), float(lon), name, country)


CITIES = tuple(_city(row) for line in _TABLE.splitlines() for row in line.split(";"))

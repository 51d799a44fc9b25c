"""Names of companies, people, streets and towns: people and streets from pools that Faker makes, companies combined from tables.
All are invented; no two companies share a name."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from random import Random
from typing import NamedTuple


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


# fmt: off
STEMS = words("""Alder Amber Anchor Ardent Arrow Ashby Aspen Atlas Aurora Avon Axis Baker Balance Barrow Basalt Bay Beacon Bell Birch
Blackwood Blue Bolt Bramble Bridge Bright Brook Burr Calder Canyon Cardinal Cedar Cinder Civic Clear Cliff Clover Coast Cobalt
Compass Copper Coral Crane Crescent Crest Crown Dale Delta Dover Drift Dunmore East Eden Elder Elm Ember Evergreen Fair Falcon
Fern Field Finch Fjord Flint Forge Fox Garnet Gate Glen Golden Granite Green Grove Gull Harbor Hawk Hazel Heath Heron High
Hollow Horizon Iron Ivy Jasper Juniper Keel Kestrel Kings Kite Lake Lantern Larch Lark Laurel Ledger Linden Lion Lowland Lumen
Magnolia Maple Marble Marlow Meadow Meridian Mill Mint Monarch Moor Mosaic Nimbus Noble North Oak Ocean Olive Onyx Orchard
Osprey Otter Pacific Palm Park Pearl Peregrine Pilot Pine Plain Polar Prairie Quarry Quill Raven Red Ridge River Robin Rowan
Sable Saffron Sage Salt Sand Scarlet Shore Silver Slate Solar South Spruce Star Sterling Stone Summit Swan Tamar Teal Thistle
Tide Timber Topaz Trail Trent Umber Union Vale Vector Venture Violet Walnut Water Wave West Wharf Willow Wind Winter Wren
Yarrow Zephyr""")
TAILS = words("""bank borough bourne brook burn bury cliff combe cross dale field ford gate grove ham haven hill holt hurst land ley
mark mere mont moor mouth point port ridge shaw side stead stone stow ton view ville ward water well wick wood worth""")
TRADES = {
    "US": words("""Logistics Foods Health Energy Retail Software Insurance Materials Media Motors Pharma Rail Systems Textiles Airways
    Capital Chemicals Dairy Devices Education Farms Freight Homes Hotels Instruments Labs Marine Mining Networks Packaging Paper
    Power Robotics Security Semiconductors Steel Telecom Timber Tools Utilities"""),
    "GB": words("""Logistics Foods Healthcare Energy Retail Software Insurance Materials Media Motors Pharma Rail Systems Textiles
    Airways Brewing Chemicals Engineering Education Estates Freight Housing Hotels Instruments Marine Packaging Shipping
    Water"""),
    "DE": words("""Logistik Lebensmittel Medizintechnik Energie Handel Software Versicherung Werkstoffe Medien Fahrzeugbau Pharma
    Bahntechnik Systeme Textil Maschinenbau Chemie Messtechnik Verpackung Optik Gebäudetechnik Kältetechnik
    Prüftechnik"""),
    "FR": words("""Logistique Alimentation Santé Énergie Distribution Logiciels Assurances Matériaux Médias Mobilité Pharma Ferroviaire
    Textile Mécanique Chimie Optique Emballage Hôtellerie"""),
}
SUFFIXES = {
    "US": ("Inc.", "LLC", "Corp.", "Co.", "Group Inc."),
    "GB": ("Ltd", "plc", "Group Ltd", "LLP"),
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "SE"),
    "FR": ("SAS", "SA", "SARL"),
    "JP": ("KK", "Co. Ltd."), "KW": ("WLL", "KSC"), "CA": ("Inc.", "Ltd."), "CH": ("AG", "GmbH", "SA"), "NL": ("B.V.", "N.V."),
    "ES": ("S.L.", "S.A."), "IT": ("S.p.A.", "S.r.l."), "BE": ("BV", "NV"), "AT": ("GmbH", "AG"), "PT": ("Lda", "S.A."),
    "FI": ("Oy", "Oyj"), "AU": ("Pty Ltd", "Ltd"), "IN": ("Pvt Ltd", "Ltd"), "SG": ("Pte Ltd",), "AE": ("LLC", "FZ-LLC"),
    "MX": ("S.A. de C.V.",), "BR": ("Ltda", "S.A."), "KR": ("Co. Ltd.",),
}
LONG_MIDDLE = {
    "US": "and Allied Engineering Services of North America Holding",
    "GB": "and Allied Engineering Services of Great Britain Holding",
    "DE": "und Verbundene Ingenieurdienstleistungen für Mitteleuropa",
    "FR": "et Services d'Ingénierie Associés pour l'Europe de l'Ouest",
}
TOWNS = {
    "US": (("Austin", "TX", "787"), ("Dallas", "TX", "752"), ("Houston", "TX", "770"), ("San Antonio", "TX", "782"),
           ("Fort Worth", "TX", "761"), ("Plano", "TX", "750"), ("El Paso", "TX", "799"), ("Waco", "TX", "767")),
    "GB": (("London", None, "EC2A 4"), ("Manchester", None, "M3 2"), ("Leeds", None, "LS1 5"), ("Bristol", None, "BS1 6"),
           ("Edinburgh", None, "EH2 4"), ("Birmingham", None, "B3 3")),
    "DE": (("Berlin", None, "101"), ("Hamburg", None, "200"), ("München", None, "803"), ("Köln", None, "506"),
           ("Stuttgart", None, "701"), ("Leipzig", None, "041"), ("Düsseldorf", None, "402")),
    "JP": (("Tokyo", None, "100-00"), ("Osaka", None, "530-00"), ("Nagoya", None, "450-00")),
    "KW": (("Kuwait City", None, "130"), ("Hawalli", None, "320")),
    "CA": (("Toronto", "ON", "M5H 2N"), ("Ottawa", "ON", "K1P 5N"), ("Calgary", "AB", "T2P 1J")),
    "CH": (("Zürich", None, "80"), ("Basel", None, "40"), ("Bern", None, "30")),
    "NL": (("Amsterdam", None, "10"), ("Rotterdam", None, "30"), ("Utrecht", None, "35")),
    "ES": (("Madrid", None, "280"), ("Barcelona", None, "080"), ("Valencia", None, "460")),
    "IT": (("Milano", None, "201"), ("Roma", None, "001"), ("Torino", None, "101")),
    "IE": (("Dublin", None, "D02 X2"), ("Cork", None, "T12 X2")),
    "BE": (("Bruxelles", None, "10"), ("Antwerpen", None, "20")),
    "AT": (("Wien", None, "10"), ("Graz", None, "80")),
    "PT": (("Lisboa", None, "1000-0"), ("Porto", None, "4000-0")),
    "FI": (("Helsinki", None, "001"), ("Espoo", None, "021")),
    "GR": (("Athina", None, "105 "), ("Thessaloniki", None, "546 ")),
    "AU": (("Brisbane", "QLD", "40"), ("Cairns", "QLD", "48")),
    "IN": (("Mumbai", None, "4000"), ("Bengaluru", None, "5600"), ("Pune", None, "4110")),
    "SG": (("Singapore", None, "0485"),),
    "AE": (("Dubai", None, "000"),),
    "MX": (("Ciudad de México", None, "066"), ("Monterrey", None, "640")),
    "BR": (("São Paulo", None, "01310-1"), ("Curitiba", None, "80010-0")),
    "KR": (("Seoul", None, "045"), ("Busan", None, "486")),
    "FR": (("Paris", None, "750"), ("Lyon", None, "690"), ("Lille", None, "590"), ("Nantes", None, "440"), ("Toulouse", None, "310")),
}
# fmt: on
DIALLING = {"US": "+1", "GB": "+44", "DE": "+49", "FR": "+33"}
LANGUAGE = {"US": "en-US", "GB": "en-GB", "DE": "de-DE", "FR": "fr-FR"}
LOCALES = {
    "US": "en_US",
    "GB": "en_GB",
    "DE": "de_DE",
    "FR": "fr_FR",
    "CA": "en_CA",
    "CH": "de_CH",
    "NL": "nl_NL",
    "ES": "es_ES",
    "IT": "it_IT",
    "IE": "en_IE",
    "BE": "nl_BE",
    "AT": "de_AT",
    "PT": "pt_PT",
    "FI": "fi_FI",
    "AU": "en_AU",
    "IN": "en_IN",
    "MX": "es_MX",
    "BR": "pt_BR",
}
"""Where names and streets come from; elsewhere English ones, since they are written in Latin letters."""

FIRST_NAMES, LAST_NAMES, ROADS = 120, 240, 60


class Pool(NamedTuple):
    """First names, family names and streets of a country, to draw from."""

    first: list[str]
    last: list[str]
    roads: list[str]


@lru_cache(maxsize=64)
def pool(country: str, seed: int) -> Pool:
    """A country's pool, made once by Faker: drawing from it is a thousand times cheaper than asking Faker for each row."""
    from faker import Faker

    fake = Faker(LOCALES.get(country, "en_US"))
    fake.seed_instance(seed)
    return Pool(
        [fake.first_name() for _ in range(FIRST_NAMES)],
        [fake.last_name() for _ in range(LAST_NAMES)],
        [fake.street_name() for _ in range(ROADS)],
    )


class Namer:
    """Draws names; remembers the companies it has named and the e-mail addresses it has given."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.seed = chance.getstate()[1][0]
        self.companies: set[str] = set()
        self.emails: set[str] = set()

    def company(self, country: str, *, long: bool = False) -> str:
        """A company name that no other has, its legal form at the end; `long`: of more than 60 characters."""
        chance = self.chance
        while True:
            stem = chance.choice(STEMS) + (chance.choice(TAILS) if chance.random() < 0.6 else "")
            if chance.random() < 0.25:
                stem += f" {chance.choice(STEMS)}"
            trade = chance.choice(TRADES.get(country, TRADES["GB"]))
            known = f"{stem} {trade}".lower()
            if known not in self.companies:
                self.companies.add(known)
                middle = f" {LONG_MIDDLE.get(country, LONG_MIDDLE['GB'])}" if long else ""
                return f"{stem} {trade}{middle} {chance.choice(suffixes(country))}"

    def person(self, country: str) -> str:
        """A person's name."""
        drawn = pool(country, self.seed)
        return f"{self.chance.choice(drawn.first)} {self.chance.choice(drawn.last)}"

    def email(self, person: str, company: str) -> str:
        """An address in lower case that no other person has; `.test` domains reach nobody."""
        user, domain = plain(person).replace(" ", "."), plain(" ".join(company.split()[:2])).replace(" ", "-")
        address, count = f"{user}@{domain}.test", 1
        while address in self.emails:
            count += 1
            address = f"{user}{count}@{domain}.test"
        self.emails.add(address)
        return address

    def phone(self, country: str) -> str:
        """An E.164 number."""
        return f"{DIALLING.get(country, '+44')}{self.chance.randrange(2 * 10**8, 10**9)}"

    def street(self, country: str) -> str:
        """A house number and street, as the country writes it."""
        road, number = self.chance.choice(pool(country, self.seed).roads), self.chance.randrange(1, 990)
        return f"{road} {number}" if country == "DE" else f"{number} {road}"

    def town(self, country: str) -> tuple[str, str | None, str]:
        """A town, its region and a postcode in it."""
        name, region, prefix = self.chance.choice(TOWNS[country])
        digits = "".join(self.chance.choice("ABDEFGHJLN") for _ in range(2)) if country == "GB" else "00"
        if country != "GB":
            digits = f"{self.chance.randrange(100):02d}"
        return name, region, prefix + digits

    def vat_id(self, country: str) -> str | None:
        """A VAT registration of the country's shape; American companies have none."""
        lengths = {"GB": 9, "DE": 9, "FR": 11}
        if country not in lengths:
            return None
        return f"{country}{self.chance.randrange(10 ** (lengths[country] - 1), 10 ** lengths[country])}"


def suffixes(country: str) -> tuple[str, ...]:
    """Legal forms of a country's companies."""
    return SUFFIXES.get(country, ("Ltd", "plc"))


def plain(name: str) -> str:
    """Lower-case letters, digits and single blanks: for addresses and for comparing names."""
    flat = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss").replace("ı", "i"))
    kept = "".join(each if each.isascii() and each.isalnum() else " " if each in " -" else "" for each in flat)
    return " ".join(kept.split())


def shortened(name: str, limit: int) -> tuple[str, str | None]:
    """A name within a limit: (short form cut at a word, whole name), or (name, None) where it fits."""
    if len(name) <= limit:
        return name, None
    cut = name.rfind(" ", 0, limit + 1)
    return (name[:cut] if cut > 0 else name[:limit]).rstrip(), name

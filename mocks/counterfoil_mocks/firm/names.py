"""Names of companies, people, streets and towns, combined from tables. All are invented; no two companies share a name."""

from __future__ import annotations

import unicodedata
from random import Random


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
}
LONG_MIDDLE = {
    "US": "and Allied Engineering Services of North America Holding",
    "GB": "and Allied Engineering Services of Great Britain Holding",
    "DE": "und Verbundene Ingenieurdienstleistungen für Mitteleuropa",
    "FR": "et Services d'Ingénierie Associés pour l'Europe de l'Ouest",
}
FIRST = {
    "US": words("""Aaliyah Adam Aisha Alan Alice Amir Ana Andre Anita Ben Bianca Brian Camila Carlos Carol Chen Claire Dana Daniel Diego
    Elena Emily Eric Fatima Frank Grace Hannah Hugo Ian Imani Jack James Jin Julia Karen Kofi Laura Leon Lin Luis Maria Mark Maya
    Miguel Nadia Nathan Nina Noah Olga Omar Paul Priya Rachel Raj Rosa Ruth Sam Sara Simon Sofia Tariq Tess Thanh Tom Uma Vera
    Victor Wei Will Yara Yuki Zoe"""),
    "DE": words("""Anja Annika Bernd Birgit Björn Carsten Christa Dieter Dörte Emre Eva Felix Franziska Günter Hanna Heike Ingo Jan Jörg
    Jürgen Katrin Kerstin Lars Lena Lukas Maik Marion Matthias Moritz Nele Oliver Petra Ralf Sabine Stefan Svenja Thomas Ulrike
    Uwe Wiebke"""),
    "FR": words("""Agnès Alain Amélie André Benoît Camille Cécile Chloé Claude Didier Élodie Émile Étienne Fabien Françoise Gaëlle Gérard
    Hélène Hervé Inès Jérôme Joëlle Léa Loïc Lucie Manon Mathieu Noémie Océane Patrice Rémi Sébastien Solène Thierry Valérie
    Yves"""),
}
LAST = {
    "US": words("""Abbott Adeyemi Alvarez Anders Banks Barnes Becker Bennett Blake Boyd Brandt Brooks Burke Castro Chang Clark Cole Cruz
    Dalton Davies Diaz Dixon Doyle Drake Dunn Ellis Evans Farrell Fields Fisher Flores Ford Foster Garcia Gibbs Grant Gray Griffin
    Hale Hall Hansen Harper Hayes Hernandez Hoang Holt Hughes Hunt Ibrahim Iyer Jensen Jordan Kane Keller Khan Kim Lane Larsen Lee
    Lopez Lowe Lynch Mason Mbeki Mehta Mendez Mercer Mills Morgan Moss Murphy Nash Nguyen Nolan Novak Ochoa Okafor Ortiz Owens
    Park Patel Perez Pierce Porter Quinn Rahman Ramos Reed Reyes Rhodes Rivera Rossi Rowe Ruiz Russo Santos Sato Shah Shaw Silva
    Singh Sloan Soto Stein Suarez Tanaka Tate Tran Vance Vargas Vega Wade Walsh Ward Watts Webb West Wong Wu Yates Young
    Zimmer"""),
    "DE": words("""Albrecht Bauer Böhm Brandt Dietrich Engel Fischer Frank Fuchs Günther Haas Hahn Hartmann Herrmann Hoffmann Huber Jäger
    Kaiser Keller Köhler König Krämer Krause Krüger Lange Lehmann Lorenz Ludwig Maier Möller Müller Neumann Otto Peters Pohl Roth
    Schäfer Schmitt Schröder Schulze Schuster Seidel Simon Sommer Vogel Vogt Wagner Weiß Winkler Wolff Yılmaz Ziegler"""),
    "FR": words("""Arnaud Bailly Bertrand Besson Blanc Bonnet Boyer Caron Chevalier Clément David Deschamps Dubois Dufour Dupont Durand
    Faure Fontaine Fournier Garnier Gauthier Girard Guérin Henry Lacroix Lambert Laurent Lefèvre Lemoine Leroy Marchand Masson
    Mercier Meunier Moreau Noël Perrin Picard Renaud Rivière Robin Rousseau Roux Roy Simon Thomas Vidal Vincent"""),
}
STREETS = {
    "US": """Main Street|Oak Avenue|Commerce Street|Elm Street|Lamar Boulevard|Congress Avenue|Travis Street|Market Street|Houston
    Street|Preston Road|Industrial Boulevard|Lake Drive|Mill Road|Ranch Road|Pecan Street|Cedar Lane""",
    "GB": """High Street|Station Road|Church Lane|Victoria Road|Mill Lane|Queen Street|Park Road|King Street|Bridge Street|Market
    Place|Kingsway|Deansgate""",
    "DE": """Hauptstraße|Bahnhofstraße|Goethestraße|Schillerstraße|Gartenweg|Industriestraße|Am Markt|Lindenallee|Friedrichstraße|
    Königstraße""",
    "FR": """rue de la République|avenue Victor Hugo|rue des Écoles|boulevard Voltaire|rue du Moulin|place de la Gare|rue
    Pasteur|quai des Célestins""",
}
TOWNS = {
    "US": (("Austin", "TX", "787"), ("Dallas", "TX", "752"), ("Houston", "TX", "770"), ("San Antonio", "TX", "782"),
           ("Fort Worth", "TX", "761"), ("Plano", "TX", "750"), ("El Paso", "TX", "799"), ("Waco", "TX", "767")),
    "GB": (("London", None, "EC2A 4"), ("Manchester", None, "M3 2"), ("Leeds", None, "LS1 5"), ("Bristol", None, "BS1 6"),
           ("Edinburgh", None, "EH2 4"), ("Birmingham", None, "B3 3")),
    "DE": (("Berlin", None, "101"), ("Hamburg", None, "200"), ("München", None, "803"), ("Köln", None, "506"),
           ("Stuttgart", None, "701"), ("Leipzig", None, "041"), ("Düsseldorf", None, "402")),
    "FR": (("Paris", None, "750"), ("Lyon", None, "690"), ("Lille", None, "590"), ("Nantes", None, "440"), ("Toulouse", None, "310")),
}
# fmt: on
DIALLING = {"US": "+1", "GB": "+44", "DE": "+49", "FR": "+33"}
LANGUAGE = {"US": "en-US", "GB": "en-GB", "DE": "de-DE", "FR": "fr-FR"}
ROADS = {country: [" ".join(name.split()) for name in text.split("|")] for country, text in STREETS.items()}


class Namer:
    """Draws names; remembers the companies it has named and the e-mail addresses it has given."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.companies: set[str] = set()
        self.emails: set[str] = set()

    def company(self, country: str, *, long: bool = False) -> str:
        """A company name that no other has, its legal form at the end; `long`: of more than 60 characters."""
        chance = self.chance
        while True:
            stem = chance.choice(STEMS) + (chance.choice(TAILS) if chance.random() < 0.6 else "")
            if chance.random() < 0.25:
                stem += f" {chance.choice(STEMS)}"
            trade = chance.choice(TRADES[country])
            known = f"{stem} {trade}".lower()
            if known not in self.companies:
                self.companies.add(known)
                middle = f" {LONG_MIDDLE[country]}" if long else ""
                return f"{stem} {trade}{middle} {chance.choice(SUFFIXES[country])}"

    def person(self, country: str) -> str:
        """A person's name."""
        chance = self.chance
        country = country if country in FIRST else "US"
        return f"{chance.choice(FIRST[country])} {chance.choice(LAST[country])}"

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
        return f"{DIALLING[country]}{self.chance.randrange(2 * 10**8, 10**9)}"

    def street(self, country: str) -> str:
        """A house number and street, as the country writes it."""
        road, number = self.chance.choice(ROADS[country]), self.chance.randrange(1, 990)
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

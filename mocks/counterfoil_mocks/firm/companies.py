"""The firm's legal entities, and what goes with a country: tax codes, rate cards, currencies, office hours, towns. The first five
are in every landscape; the others belong to firms of size L and XL. Rates and codes are fixtures, not tax advice."""

from __future__ import annotations

from typing import NamedTuple


class Company(NamedTuple):
    """A legal entity of the firm. card: its rate card. tz: local time zone in which its days begin."""

    code: str
    name: str
    country: str
    tz: str
    ccy: str
    gaap: str
    rounding: str
    vat_id: str | None
    card: str
    loss_policy: bool

    @property
    def provides(self) -> bool:
        """Whether it provides for losses of running contracts: under IFRS always, elsewhere by policy."""
        return self.gaap == "IFRS" or self.loss_policy


# fmt: off
COMPANIES: dict[str, Company] = {
    row[0]: Company(*row)
    for row in (
        ("CF-US", "Counterfoil Advisory Inc.", "US", "America/Chicago", "USD", "US", "LINE", None, "US-STD", False),
        ("CF-UK", "Counterfoil Advisory Ltd", "GB", "Europe/London", "GBP", "IFRS", "LINE", "GB365462636", "UK-STD", False),
        ("CF-DE", "Counterfoil Advisory GmbH", "DE", "Europe/Berlin", "EUR", "IFRS", "LINE", "DE136695976", "DE-STD", True),
        ("CF-JP", "Counterfoil Advisory KK", "JP", "Asia/Tokyo", "JPY", "IFRS", "INVOICE", "T5013301012345", "JP-STD", False),
        ("CF-KW", "Counterfoil Advisory WLL", "KW", "Asia/Kuwait", "KWD", "IFRS", "LINE", None, "KW-STD", False),
        ("CF-FR", "Counterfoil Conseil SAS", "FR", "Europe/Paris", "EUR", "IFRS", "LINE", "FR40303265045", "FR-STD", False),
        ("CF-CA", "Counterfoil Advisory Canada Inc.", "CA", "America/Toronto", "CAD", "IFRS", "LINE", None, "CA-STD", False),
        ("CF-CH", "Counterfoil Advisory AG", "CH", "Europe/Zurich", "CHF", "IFRS", "LINE", None, "CH-STD", False),
        ("CF-FED", "Counterfoil Public Sector LLC", "US", "America/New_York", "USD", "US", "LINE", None, "US-STD", False),
        ("CF-NL", "Counterfoil Advisory B.V.", "NL", "Europe/Amsterdam", "EUR", "IFRS", "LINE", "NL004495445B01", "EU-STD", False),
        ("CF-ES", "Counterfoil Advisory S.L.", "ES", "Europe/Madrid", "EUR", "IFRS", "LINE", "ESB58378431", "EU-STD", False),
        ("CF-IT", "Counterfoil Advisory S.r.l.", "IT", "Europe/Rome", "EUR", "IFRS", "LINE", "IT00743110157", "EU-STD", False),
        ("CF-IE", "Counterfoil Advisory (Ireland) Ltd", "IE", "Europe/Dublin", "EUR", "IFRS", "LINE", "IE6433435F", "EU-STD", False),
        ("CF-BE", "Counterfoil Advisory BV", "BE", "Europe/Brussels", "EUR", "IFRS", "LINE", "BE0428759497", "EU-STD", False),
        ("CF-AT", "Counterfoil Advisory Austria GmbH", "AT", "Europe/Vienna", "EUR", "IFRS", "LINE", "ATU13585627", "EU-STD", False),
        ("CF-PT", "Counterfoil Advisory Lda", "PT", "Europe/Lisbon", "EUR", "IFRS", "LINE", "PT501964843", "EU-STD", False),
        ("CF-FI", "Counterfoil Advisory Oy", "FI", "Europe/Helsinki", "EUR", "IFRS", "LINE", "FI20774740", "EU-STD", False),
        ("CF-GR", "Counterfoil Advisory M.IKE", "GR", "Europe/Athens", "EUR", "IFRS", "LINE", "EL094259216", "EU-STD", False),
        ("CF-AU", "Counterfoil Advisory Pty Ltd", "AU", "Australia/Brisbane", "AUD", "IFRS", "LINE", None, "AU-STD", False),
        ("CF-IN", "Counterfoil Advisory Pvt Ltd", "IN", "Asia/Kolkata", "INR", "IFRS", "LINE", None, "IN-STD", False),
        ("CF-SG", "Counterfoil Advisory Pte Ltd", "SG", "Asia/Singapore", "SGD", "IFRS", "LINE", None, "SG-STD", False),
        ("CF-AE", "Counterfoil Advisory FZ-LLC", "AE", "Asia/Dubai", "AED", "IFRS", "LINE", None, "AE-STD", False),
        ("CF-MX", "Counterfoil Asesores S.A. de C.V.", "MX", "America/Mexico_City", "MXN", "IFRS", "LINE", None, "MX-STD", False),
        ("CF-BR", "Counterfoil Consultoria Ltda", "BR", "America/Sao_Paulo", "BRL", "IFRS", "LINE", None, "BR-STD", False),
        ("CF-KR", "Counterfoil Advisory Co. Ltd", "KR", "Asia/Seoul", "KRW", "IFRS", "LINE", None, "KR-STD", False),
    )
}
EVERYWHERE = ("CF-US", "CF-UK", "CF-DE", "CF-JP", "CF-KW")
"""Companies of every landscape, whatever its size."""

CURRENCIES = {
    "USD": "US dollar", "EUR": "Euro", "GBP": "Pound sterling", "JPY": "Yen", "KWD": "Kuwaiti dinar", "CHF": "Swiss franc",
    "CAD": "Canadian dollar", "AUD": "Australian dollar", "INR": "Indian rupee",
    "SGD": "Singapore dollar", "AED": "Emirati dirham", "MXN": "Mexican peso", "BRL": "Brazilian real", "KRW": "Won",
}
CURRENCIES_EVERYWHERE = 9
"""So many of them, the first, are in every landscape."""

RATE_CARDS = (
    ("US-STD", "USD", "US", "1"),
    ("UK-STD", "GBP", "UK", "0.78"),
    ("DE-STD", "EUR", "DE", "0.85"),
    ("JP-STD", "JPY", "JP", "105"),
    ("KW-STD", "KWD", "KW", "0.24"),
    ("FR-STD", "EUR", "FR", "0.84"),
    ("CA-STD", "CAD", "CA", "1.2"),
    ("CH-STD", "CHF", "CH", "1.04"),
    ("EU-STD", "EUR", "EU", "0.72"),
    ("AU-STD", "AUD", "AU", "1.36"),
    ("IN-STD", "INR", "IN", "24"),
    ("SG-STD", "SGD", "SG", "1.12"),
    ("AE-STD", "AED", "AE", "3.2"),
    ("MX-STD", "MXN", "MX", "8"),
    ("BR-STD", "BRL", "BR", "2.4"),
    ("KR-STD", "KRW", "KR", "800"),
)
"""code, currency, region, factor on the American rates."""

MINOR = {"KWD": 2, "INR": 24, "AED": 3, "MXN": 8, "BRL": 2, "KRW": 8}
"""Minor units that stand for a cent when business is drawn, in the market of the currency; 1 where the two are about alike."""

TAX_CODES = (
    ("TX-DP", "SALES_TAX", "0.0825", "0.8", "S", "US-TX", None),
    ("TX-825", "SALES_TAX", "0.0825", "1", "S", "US-TX-825", None),
    ("NT", "NONE", "0", "1", "O", None, None),
    ("VAT20", "VAT", "0.20", "1", "S", "GB", None),
    ("VAT19", "VAT", "0.19", "1", "S", "DE", None),
    ("RC", "VAT", "0", "1", "AE", "EU", "Reverse charge"),
    ("OS", "VAT", "0", "1", "O", None, "Outside the scope of VAT: place of supply is abroad"),
    ("EX", "NONE", "0", "1", "E", None, "Exempt"),
    ("JCT10", "VAT", "0.10", "1", "S", "JP", None),
    ("FR20", "VAT", "0.20", "1", "S", "FR", None),
    ("GST5", "VAT", "0.05", "1", "S", "CA", None),
    ("CH81", "VAT", "0.081", "1", "S", "CH", None),
    ("HST13", "VAT", "0.13", "1", "S", "CA-ON", None),
    ("QST", "VAT", "0.09975", "1", "S", "CA-QC", None),
    ("NL21", "VAT", "0.21", "1", "S", "NL", None),
    ("ES21", "VAT", "0.21", "1", "S", "ES", None),
    ("IT22", "VAT", "0.22", "1", "S", "IT", None),
    ("IE23", "VAT", "0.23", "1", "S", "IE", None),
    ("BE21", "VAT", "0.21", "1", "S", "BE", None),
    ("AT20", "VAT", "0.20", "1", "S", "AT", None),
    ("PT23", "VAT", "0.23", "1", "S", "PT", None),
    ("FI255", "VAT", "0.255", "1", "S", "FI", None),
    ("GR24", "VAT", "0.24", "1", "S", "GR", None),
    ("AU10", "VAT", "0.10", "1", "S", "AU", None),
    ("IN18", "VAT", "0.18", "1", "S", "IN", None),
    ("SG9", "VAT", "0.09", "1", "S", "SG", None),
    ("AE5", "VAT", "0.05", "1", "S", "AE", None),
    ("MX16", "VAT", "0.16", "1", "S", "MX", None),
    ("BR5", "VAT", "0.05", "1", "S", "BR", None),
    ("KR10", "VAT", "0.10", "1", "S", "KR", None),
)
"""code, kind, rate, taxable fraction, EN 16931 category, jurisdiction, legend."""

TAX_CODES_EVERYWHERE = 9
"""So many of them, the first, are in every landscape."""

LOCAL_TAX = {
    "US": "TX-DP", "GB": "VAT20", "DE": "VAT19", "JP": "JCT10", "KW": "NT", "FR": "FR20", "CA": "GST5", "CH": "CH81", "NL": "NL21",
    "ES": "ES21", "IT": "IT22", "IE": "IE23", "BE": "BE21", "AT": "AT20", "PT": "PT23", "FI": "FI255", "GR": "GR24", "AU": "AU10",
    "IN": "IN18", "SG": "SG9", "AE": "AE5", "MX": "MX16", "BR": "BR5", "KR": "KR10",
}
"""Tax code of a service that a company renders in its own country."""

OFFICE = {
    "US": 15, "GB": 9, "DE": 8, "JP": 1, "KW": 6, "CA": 14, "AU": 0, "IN": 4, "SG": 1, "AE": 5, "MX": 15, "BR": 12, "KR": 1, "IE": 9,
    "PT": 9, "FI": 7, "GR": 7,
}
"""The UTC hour at which an office day begins, summer and winter (elsewhere `CONTINENT`); eight hours later it is the same local
date still."""

CONTINENT = 8
# fmt: on

"""How a supply is taxed: `determine(entity, ship_to, customer status, service item, tax point)` as one pure function over tax codes
(domain §3.11). The codes, their rates and their legends are data; this decides which of them applies. Fixtures, not tax advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from counterfoil_mocks.billing.model import PLAN, SERVICE_ITEM, SITE, TAX_CODE
from counterfoil_mocks.billing.tax import is_exempt
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.tx import Tx

EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
VAT_ID_NOT_VALIDATED = "VAT_ID_NOT_VALIDATED"
TAXED_EVERYWHERE = frozenset(EU | {"GB", "JP"})
"""Countries whose tax is on every kind of supply; elsewhere it is on services alone."""

Code = Mapping[str, Any]


class Supply(NamedTuple):
    """What is sold where. seller, ship_to: countries. jurisdiction: of the site served. category: of the service item."""

    seller: str
    ship_to: str
    jurisdiction: str | None
    category: str
    tax_point: str


class Buyer(NamedTuple):
    """What matters of a customer. validated_at: when its VAT id was found valid, None where it was not."""

    tax_status: str | None
    certificate: str | None
    certificate_expires: str | None
    vat_id: str | None
    validated_at: str | None


class Treatment(NamedTuple):
    """code: None where no code of the catalogue fits. warning: what should be put right before the document goes out."""

    code: str | None
    warning: str | None = None


def determine(supply: Supply, buyer: Buyer, codes: Iterable[Code]) -> Treatment:
    """The tax code of a supply.

    Exempt customers by certificate; at home the code of the jurisdiction; across an EU border reverse charge, where the VAT id is
    validated, else as at home, with a warning; anywhere else abroad outside the scope.
    Sources: Directive 2006/112/EC arts 44, 196; SSUTA; domain §3.11.
    """
    valid = [code for code in codes if (code["valid_from"] or "") <= supply.tax_point <= (code["valid_to"] or "9999")]
    if is_exempt(buyer.tax_status, buyer.certificate, buyer.certificate_expires, supply.tax_point):
        return Treatment(_named(valid, category="E"))
    if supply.ship_to == supply.seller:
        return Treatment(_at_home(valid, supply))
    if supply.seller in EU and supply.ship_to in EU:
        if buyer.vat_id and buyer.validated_at:
            return Treatment(_named(valid, category="AE"))
        return Treatment(_at_home(valid, supply), VAT_ID_NOT_VALIDATED)
    return Treatment(_named(valid, category="O", kind="VAT" if supply.seller in TAXED_EVERYWHERE else "NONE"))


def _at_home(codes: Iterable[Code], supply: Supply) -> str | None:
    """The code of the place, or that of no tax."""
    codes = list(codes)
    place = supply.jurisdiction if supply.seller == "US" else supply.seller
    local = [code for code in codes if code["category"] == "S" and code["jurisdiction"] == place]
    if local and (supply.category == "SERVICES" or supply.seller in TAXED_EVERYWHERE):
        return str(max(local, key=lambda code: code["valid_from"] or "")["code"])
    return _named(codes, category="O", kind="NONE")


def _named(codes: Iterable[Code], **wanted: str) -> str | None:
    found = sorted(str(code["code"]) for code in codes if all(code[name] == value for name, value in wanted.items()))
    return found[0] if found else None


class Case:
    """A document's side of the question, read once: seller, site served, customer and codes."""

    def __init__(self, tx: Tx, head: Record) -> None:
        plan = tx.look_up(PLAN, head.get("contract_no"))
        site = tx.look_up(SITE, (plan or {}).get("ship_to") or (plan or {}).get("bill_to"))
        customer = tx.look_up("customer", head["customer"])
        self.codes: dict[str, Record] = {each["code"]: each for each in tx.find(TAX_CODE)}
        self.buyer = None if customer is None else buyer_of(customer)
        entity = tx.look_up("legal_entity", head["legal_entity"])
        self._tx = tx
        self._tax_point = str(head["tax_point"])
        self._place = (
            None if site is None or entity is None else (entity["country"], site["country"], site["jurisdiction_code"])
        )

    @property
    def exempt(self) -> bool:
        """Whether the customer's exemption holds on the tax point."""
        buyer = self.buyer
        return buyer is not None and is_exempt(
            buyer.tax_status, buyer.certificate, buyer.certificate_expires, self._tax_point
        )

    def of_line(self, line: Record) -> Treatment:
        """How a line is taxed; without code where the site served is unknown."""
        if self._place is None or self.buyer is None:
            return Treatment(None)
        seller, ship_to, jurisdiction = self._place
        supply = Supply(seller, ship_to, jurisdiction, self._category(line), self._tax_point)
        return determine(supply, self.buyer, self.codes.values())

    def _category(self, line: Record) -> str:
        item = self._tx.look_up(SERVICE_ITEM, line.get("service_item"))
        if item is not None:
            return str(item["tax_category"])
        return "EXPENSES" if line.get("line_type") == "EXPENSE" else "SERVICES"


def buyer_of(customer: Mapping[str, Any]) -> Buyer:
    """What matters of a customer record."""
    return Buyer(
        customer["tax_status"],
        customer["exemption_cert"],
        customer["exemption_expires"],
        customer["vat_id"],
        customer["vat_validated_at"],
    )

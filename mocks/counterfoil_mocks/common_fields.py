"""Fields of entities that several roles keep a copy of: customer, site, rate card, tax code, legal entity."""

from __future__ import annotations

from counterfoil_mocks.kernel.fields import (
    Entity,
    Field,
    amount,
    boolean,
    choice,
    day,
    instant,
    integer,
    lines,
    listing,
    price,
    rate,
    ref,
    state,
    text,
    zone,
)

CURRENCY = "USD EUR GBP CHF AUD CAD SGD INR AED MXN BRL JPY KRW CLP KWD BHD OMR JOD TND CLF"
TERMS = "NET15 NET30 NET45 NET60"
CONTRACT_LINE_TYPE = "FIXED_FEE TM TM_CAPPED RETAINER EXPENSE"
REVENUE_METHOD = "COST_TO_COST HOURS MILESTONE_OUTPUT AS_INVOICED STRAIGHT_LINE"
LEVEL = "ANALYST CONSULTANT SENIOR MANAGER DIRECTOR PARTNER"
PLAN_KIND = "MOBILISATION MILESTONE SCHEDULE TM_CYCLE RETAINER"

BILLING_STATES = (
    "UNBILLED⇄ON_HOLD; UNBILLED→SELECTED→BILLED; SELECTED→UNBILLED; BILLED→UNBILLED; BILLED→CREDITED; UNBILLED→WRITTEN_OFF;"
    " UNBILLED⇄OVER_CAP; NOT_BILLABLE"
)
CUSTOMER_STATES = "PROSPECT→ACTIVE⇄CREDIT_HOLD; ACTIVE→INACTIVE→ACTIVE; any→MERGED"


def currency(name: str = "ccy", **more: object) -> Field:
    """An ISO 4217 code that the fixtures know."""
    return choice(name, CURRENCY, "ISO 4217 currency.", **more)


def country(**more: object) -> Field:
    """ISO 3166-1 alpha-2."""
    return text("country", "ISO 3166-1 alpha-2 code.", limit=2, pattern="^[A-Z]{2}$", **more)


def customer_fields(name_limit: int, *, initial: str = "ACTIVE") -> tuple[Field, ...]:
    """A customer; the fake systems differ in how long a name may be (domain §2.2)."""
    return (
        text("customer_no", "Golden number, `CU-000123`; CRM issues it.", limit=20, indexed=True),
        text("name", "Display name.", limit=name_limit, required=True),
        text("name_full", "The whole name where `name` had to be shortened at a word boundary.", limit=1000),
        text("legal_name", limit=255),
        ref("parent", "customer", "The customer above in the hierarchy."),
        ref("ultimate_parent", "customer", "The top of the hierarchy.", computed=True, indexed=False),
        state("status", CUSTOMER_STATES, initial=initial, open=True),
        country(required=True),
        text("vat_id", "VAT registration.", limit=30, indexed=True),
        text("tax_no", "Tax number other than VAT.", limit=30),
        choice("tax_status", "TAXABLE EXEMPT REVERSE_CHARGE_ELIGIBLE", default="TAXABLE"),
        text("exemption_cert", limit=60),
        day("exemption_expires"),
        instant("vat_validated_at"),
        choice("terms", TERMS, "Payment terms.", default="NET30"),
        currency("invoice_ccy", default="USD"),
        amount("credit_limit", ccy="invoice_ccy"),
        boolean("po_required", default=False),
        text("language", limit=10),
        text("owner", "Account owner.", limit=120),
        text("segment", limit=60),
        boolean(
            "distinct_approved", "A person has confirmed that this is not a duplicate of a look-alike.", default=False
        ),
    )


def site_fields() -> tuple[Field, ...]:
    """A bill-to or ship-to site of a customer."""
    return (
        ref("customer", "customer", required=True),
        text("customer_no", limit=20, computed=True),
        text("site_code", limit=20, required=True),
        choice("kind", "BILL_TO SHIP_TO BOTH", default="BOTH"),
        listing("lines", "One to four address lines.", limit=4),
        text("city", limit=100),
        text("region", "State or province code.", limit=40),
        text("postcode", limit=20),
        country(required=True),
        text(
            "jurisdiction_code", "Tax jurisdiction; with the service item's category it decides the tax code.", limit=40
        ),
        text("email_invoices_to", limit=255),
        day("valid_from"),
        day("valid_to"),
    )


def rate_card_entity(name: str, *, events: dict[str, str] | None = None) -> Entity:
    """A rate card version with its rows; each role that keeps a copy has its own pair of tables."""
    row = Entity(
        f"{name}_row",
        f"{name}_rows",
        "",
        (
            choice("level", LEVEL, required=True),
            price("rate", "Per hour.", required=True),
            text("ccy", limit=3, computed=True),
        ),
    )
    return Entity(
        name,
        f"{name}s",
        "RCD",
        (
            text("code", limit=40, required=True),
            integer("card_version", "Version of the card, from 1.", low=1, high=9999, required=True),
            state("status", "DRAFT→PUBLISHED→RETIRED"),
            currency(required=True),
            text("region", limit=40),
            day("effective_from", required=True),
            day("effective_to"),
            lines("rows", row, "One rate for each level."),
        ),
        key="{code}/{card_version}",
        unique=True,
        events=events or {},
        doc="One version of a rate card. Published rows never change; a new version does.",
    )


def tax_code_fields() -> tuple[Field, ...]:
    """A tax code with its rate and base."""
    return (
        text("code", limit=20, required=True),
        choice("kind", "SALES_TAX VAT NONE", required=True),
        rate("rate", required=True),
        rate("taxable_fraction", "Part of the net that is taxed.", default=1_000_000),
        choice("category", "S Z E AE O", "EN 16931 category.", default="S"),
        text("legend", "Words that the invoice must carry.", limit=255),
        text("jurisdiction", limit=40),
        day("valid_from"),
        day("valid_to"),
    )


def fx_rate_fields() -> tuple[Field, ...]:
    """A published rate: units of `to_ccy` for one of `from_ccy`."""
    return (
        currency("from_ccy", required=True),
        currency("to_ccy", required=True),
        day("rate_date", required=True),
        choice("type", "SPOT CLOSING AVERAGE", default="SPOT"),
        rate("rate", required=True),
        text("source", limit=60),
        instant("published_at"),
    )


def fx_rate_copy() -> Entity:
    """The rates of the books, as another role keeps a copy of them."""
    return Entity(
        "fx_rate", "fx_rates", "FXR", fx_rate_fields(), key="{from_ccy}{to_ccy}/{rate_date}/{type}", unique=True
    )


def change_order_copy(*figures: Field, doc: str = "") -> Entity:
    """A change order that a role has applied, kept so that none is applied twice. figures: what it has changed there, in `ccy`."""
    return Entity(
        "change_order",
        "change_orders",
        "CHO",
        (
            text("contract_no", limit=20, required=True, indexed=True),
            integer("co_seq", low=1, high=999, required=True),
            text("ccy", limit=3, computed=True),
            *figures,
        ),
        key="{contract_no}/CO-{co_seq}",
        unique=True,
        writable=False,
        doc=doc,
    )


def service_item_fields() -> tuple[Field, ...]:
    """What is sold. Its tax category decides, with where it is received, how it is taxed."""
    return (
        text("code", limit=40, required=True),
        text("name", limit=120, required=True),
        text("tax_category", limit=20, default="SERVICES"),
        boolean("active", default=True),
    )


def legal_entity_fields() -> tuple[Field, ...]:
    """A company of the firm."""
    return (
        text("code", limit=20, required=True),
        text("name", limit=120, required=True),
        country(required=True),
        zone("tz", required=True),
        currency("functional_ccy", required=True),
        choice("gaap", "US IFRS", default="US"),
        choice(
            "rounding_policy", "LINE INVOICE", "Whether tax is rounded on each line or on the invoice.", default="LINE"
        ),
        boolean("gapless", "Whether its invoice series may have no gaps.", default=True),
        text("invoice_series", "Prefix of its invoice numbers.", limit=20),
        text("vat_id", limit=30),
        boolean("loss_provision", "Whether a loss-making contract is provided for.", default=False),
    )


def vendor_object_entity() -> Entity:
    """Something that only a vendor's API knows and the business does not (a price list entry of a payment provider, a webhook's
    topic…). A face keeps it here as it came, in `custom`; so it is journalled, restored and exported like everything else."""
    return Entity(
        "vendor_object",
        "vendor_objects",
        "VOB",
        (
            text("vendor", "Whose API knows it.", limit=40, required=True),
            text("kind", "What that API calls it.", limit=60, required=True, indexed=True),
            text("owner", "Id of the record that it belongs to.", limit=64, indexed=True),
            text("name", "What it is looked up by besides its id.", limit=500, indexed=True),
            integer("seq", "Counts the objects of its kind in the order in which they were made.", computed=True),
        ),
        writable=False,
        folds=("external_id",),
        doc="Something that only a vendor's API knows. Its whole content is in `custom`.",
    )

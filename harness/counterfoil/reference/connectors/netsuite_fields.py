"""What our entities are in NetSuite: the record types, the tables of SuiteQL and the fields of each, as rows.

Standard fields come first; the firm's custom fields are named like ours behind the prefix of their kind of record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from counterfoil.reference.connectors import Record
from counterfoil.reference.connectors.fields import DAY, MAJOR, RATE, TEXT, WHOLE, Fields, Kind, Row, choice
from counterfoil.reference.connectors.netsuite_wire import Lists

FLAG = Kind(lambda value, ccy: value in (True, "T"), lambda value, ccy: bool(value))
INSTANT = Kind(
    lambda value, ccy: f"{value[:19].replace(' ', 'T')}{value[19:23].rstrip('Z') or '.000'}Z", lambda value, ccy: value
)
LISTED = Kind(lambda value, ccy: orjson.loads(value) if isinstance(value, str) else value, lambda value, ccy: value)
POSITIVE = Kind(lambda value, ccy: MAJOR.read(str(value).removeprefix("-"), ccy), MAJOR.say)
NUMBERED = Kind(lambda value, ccy: value if str(value).startswith("CU-") else None, lambda value, ccy: value)
"""A customer's golden number; NetSuite shows his name where he has none."""
KINDS = {
    "": TEXT,
    "n": WHOLE,
    "b": FLAG,
    "d": DAY,
    "t": INSTANT,
    "m": MAJOR,
    "r": RATE,
    "j": LISTED,
    "p": POSITIVE,
    "c": NUMBERED,
}
"""By the mark behind a field's name."""

NONE: Mapping[str, Kind] = {}
TYPES = {"INVOICE": "CustInvc", "CREDIT_MEMO": "CustCred"}


@dataclass(frozen=True)
class Source:
    """One of our entities.

    table: of SuiteQL. fields: by the field that holds the currency of their money. record: the type at whose address one is read by id.
    columns: SuiteQL's names of fields that are not the record's in small letters. where: which rows of the table are meant. joined:
    another table's rows beside. lines: those of its sublist. changed: what tells when a row was changed, for the order. key, id: columns.
    currency: how the code of a currency is read.
    """

    table: str
    fields: Mapping[str, Fields]
    record: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    joined: str = ""
    lines: Source | None = None
    changed: str = "lastmodifieddate"
    key: str = ""
    id: str = "id"
    currency: Kind = TEXT

    @cached_property
    def rows(self) -> list[Row]:
        """All fields."""
        return [row for each in self.fields.values() for row in each.rows]

    @cached_property
    def by_ours(self) -> dict[str, Row]:
        """Fields by our name."""
        return {row.ours: row for row in self.rows}

    def column(self, row: Row) -> str:
        """What SuiteQL calls a field."""
        return self.columns.get(row.theirs, f"t.{row.theirs.lower()}")

    def query(self, where: Sequence[str]) -> str:
        """All fields of rows that meet all conditions, oldest change first; `c0`, `c1` and so on."""
        asked = (
            f"{written(self.column(row), row.kind)} AS {alias(number, row)}" for number, row in enumerate(self.rows)
        )
        conditions = " AND ".join([*([self.where] if self.where else []), *where])
        order = ", ".join(dict.fromkeys((f"t.{self.changed}", f"t.{self.id}")))
        text = f"SELECT {', '.join(asked)} FROM {self.table} t {self.joined}"
        return f"{text}{' WHERE ' + conditions if conditions else ''} ORDER BY {order}"

    def named(self, row: Mapping[str, Any]) -> Record:
        """A row of the query by the names of the record's fields."""
        return {each.theirs: row.get(alias(number, each)) for number, each in enumerate(self.rows)}

    def read(self, row: Mapping[str, Any]) -> Record:
        """Their record in our words; raises Unlisted."""
        found: Record = {}
        for name, each in self.fields.items():
            ccy = row.get(name)
            found |= each.read(row, str(self.currency.read(ccy, "") if name == "currency" and ccy is not None else ccy))
        return found

    def say(self, values: Mapping[str, Any]) -> Record:
        """Our values as their fields; raises KeyError, Unlisted."""
        rows = ((self.by_ours[name], value) for name, value in values.items())
        return {row.theirs: None if value is None else row.kind.say(value, "") for row, value in rows}

    def sayable(self, names: Iterable[str]) -> bool:
        """Whether each of our fields can be written."""
        return all(name in self.by_ours and self.by_ours[name].writes for name in names)


def alias(number: int, row: Row) -> str:
    """What a query calls a field."""
    return "id" if row.theirs == "id" else f"c{number}"


def written(column: str, kind: Kind) -> str:
    """A column as it is to be answered: moments in ISO's form, not in the account's."""
    pattern = {DAY: "YYYY-MM-DD", INSTANT: "YYYY-MM-DD HH24:MI:SS.FF3"}.get(kind)
    return column if pattern is None else f"TO_CHAR({column}, '{pattern}')"


def said(text: str, prefix: str = "", writes: str = "cu", lists: Mapping[str, Kind] = NONE) -> list[Row]:
    """Rows out of `ours=theirs:mark`; theirs is ours behind the prefix where only one is named. lists: kinds by mark."""
    rows = []
    for each in text.split():
        names, _, mark = each.partition(":")
        ours, _, theirs = names.partition("=")
        rows.append(Row(ours, theirs or prefix + ours, lists.get(mark) or KINDS[mark], writes))
    return rows


def common(prefix: str, created: str = "", *, changed: bool = True) -> list[Row]:
    """What every record has. created, changed: whether NetSuite stamps its making, by what name, and its changes."""
    stamps = (f"created_at={created}:t " if created else "") + ("updated_at=lastModifiedDate:t" if changed else "")
    own = said("source_key", prefix) + said("key version:n", prefix, writes="")
    return own + said(f"id=id {stamps}", writes="")


def sources(lists: Lists) -> dict[str, Source]:
    """All entities that NetSuite has."""
    code = {name: lists.kind(name) for name in Lists.QUERIES}

    customer = said(
        "customer_no=entityId:c external_id=externalId parent=parent vat_id=vatRegNumber terms=terms:term"
        " invoice_ccy=currency:currency credit_limit=creditLimit:m",
        lists=code,
    ) + said(
        "name name_full legal_name status country tax_no tax_status exemption_cert exemption_expires:d vat_validated_at:t po_required:b"
        " language owner segment distinct_approved:b",
        "custentity_",
    )
    site = said("customer=entity", writes="") + said("site_code=label external_id=custrecord_external_id") + said(
        "city=city region=state postcode=zip country=country", writes=""
    ) + said(
        "kind lines:j jurisdiction_code email_invoices_to valid_from:d valid_to:d", "custrecord_"
    ) + said("customer_no", "custrecord_", writes="")  # fmt: skip
    line = (
        said("document=transaction", writes="")
        + said(
            "line_no=line:n description=description net=amount:m tax_code=taxCode:salestaxitem tax=tax1Amt:m service_item=item:item",
            lists=code,
        )
        + said("line_type contract_line:n account", "custcol_")
    )
    document = said(
        "invoice_no=tranId external_id=externalId customer=entity issue_date=tranDate:d legal_entity=subsidiary:subsidiary"
        " ccy=currency:currency fx_rate=exchangeRate:r due=dueDate:d",
        lists=code,
    ) + said(
        "contract_no tax_point:d override_period:b", "custbody_"
    ) + said(
        "customer_no corrects status dispute_reason paid:m credited:m written_off:m written_off_tax:m recovered:m", "custbody_", writes=""
    ) + said("doc_type=type:doc total=total:p open_amount=amountRemaining:m", writes="", lists={"doc": choice(TYPES)})  # fmt: skip
    payment = said(
        "receipt_no=tranId external_id=externalId bank_ref=checkNum payer=customer legal_entity=subsidiary:subsidiary ccy=currency:currency"
        " amount=payment:m applied=applied:m unapplied=unapplied:m value_date=tranDate:d fx_rate=exchangeRate:r",
        writes="",
        lists=code,
    ) + said("method status", "custbody_", writes="")
    element = said(
        "contract_no project_no line_no:n customer legal_entity ccy schedule_version:n method service_item tp:m cap:m budget_cost:m"
        " budget_hours:n etc_cost:m etc_hours:n eac_cost:m eac_minutes:n weight_total:r weight_done:r outputs:j spread start:d end:d"
        " carried:m co_seq:n treatment recognised:m status external_id",
        "custrecord_",
        writes="",
    )
    company_fields = said(
        "code=tranPrefix name=name functional_ccy=currency:currency external_id=externalId", writes="", lists=code
    ) + said("country tz gaap rounding_policy gapless:b invoice_series vat_id loss_provision:b moved_to", "custrecord_", writes="")  # fmt: skip
    tax = said("code=itemId external_id=externalId", writes="") + said(
        "kind rate:r taxable_fraction:r category legend jurisdiction valid_from:d valid_to:d", "custrecord_", writes=""
    )
    item = said(
        "code=itemId name=displayName revenue_account=incomeAccount external_id=externalId", writes=""
    ) + said("tax_category active:b", "custitem_", writes="")  # fmt: skip
    rate = said("rate=exchangeRate:r rate_date=effectiveDate:d external_id=externalId", writes="") + said(
        "from_ccy to_ccy type source published_at:t", "custrecord_", writes=""
    )
    period = said(
        "id=id from_date=startDate:d to_date=endDate:d legal_entity=subsidiary:subsidiary closed:b locked=allLocked:b",
        writes="",
        lists=code,
    )
    total = {"total": "t.foreigntotal", "payment": "t.foreigntotal", "applied": "t.foreignamountpaid"}
    open_ = {"amountRemaining": "t.foreignamountunpaid", "unapplied": "t.foreignamountunpaid"}
    lines = {
        "description": "t.memo",
        "amount": "t.foreignamount",
        "line": "t.linesequencenumber",
        "tax1Amt": "t.taxamount",
    }
    own = {"subsidiary": "l.subsidiary", "customer": "t.entity", "checkNum": "t.otherrefnum"}
    company = "JOIN transactionline l ON l.transaction = t.id AND l.mainline = 'T'"
    currency = code["currency"]
    return {
        "customer": Source(
            "customer",
            {"currency": Fields([*customer, *common("custentity_", "dateCreated")])},
            "customer",
            key="custentity_key",
            currency=currency,
        ),
        "site": Source(
            "customeraddressbook",
            {"": Fields([*site, *common("custrecord_")])},
            columns={"id": "t.internalid"},
            key="custrecord_key",
            id="internalid",
        ),
        "ar_document": Source(
            "transaction",
            {
                "currency": Fields([*document, *common("custbody_", "createdDate")]),
                "custbody_func_ccy": Fields(said("func_ccy func_total:m", "custbody_")),
            },
            columns={**total, **open_, **own},
            where="t.type IN ('CustInvc', 'CustCred')",
            joined=company,
            lines=Source(
                "transactionline",
                {
                    "currency": Fields(line),
                    "custcol_func_ccy": Fields(said("func_ccy func_net:m func_tax:m", "custcol_")),
                },
                columns=lines,
                where="t.mainline = 'F' AND t.taxline = 'F'",
                changed="linesequencenumber",
                currency=currency,
            ),
            key="custbody_key",
            currency=currency,
        ),
        "payment": Source(
            "transaction",
            {"currency": Fields([*payment, *common("custbody_", "createdDate")])},
            columns={**total, **open_, **own},
            where="t.type = 'CustPymt'",
            joined=company,
            key="custbody_key",
            currency=currency,
        ),
        "legal_entity": Source(
            "subsidiary",
            {"": Fields([*company_fields, *common("custrecord_", changed=False)])},
            changed="id",
            key="custrecord_key",
        ),
        "tax_code": Source("salestaxitem", {"": Fields([*tax, *common("custrecord_")])}, key="custrecord_key"),
        "service_item": Source(
            "item", {"": Fields([*item, *common("custitem_", changed=False)])}, changed="id", key="custitem_key"
        ),
        "fx_rate": Source("currencyrate", {"": Fields([*rate, *common("custrecord_")])}, key="custrecord_key"),
        "period": Source("accountingperiod", {"": Fields(period)}, changed="id"),
        "revenue_schedule": Source(
            "revenueelement",
            {"custrecord_ccy": Fields([*element, *common("custrecord_")])},
            key="custrecord_key",
        ),
    }

"""What SuiteQL sees: NetSuite's tables over those of the business."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from counterfoil_mocks.erp.netsuite.columns import Value, coded, ticked
from counterfoil_mocks.erp.netsuite.desk import PARTS, STREET
from counterfoil_mocks.erp.netsuite.lists import LISTS, account_type
from counterfoil_mocks.erp.netsuite.objects import KEEP, NON_INVENTORY
from counterfoil_mocks.erp.netsuite.record_types import told
from counterfoil_mocks.erp.netsuite.table_columns import ALIASES, DERIVED, KINDS, READ, SHOWN, SPELLED, columns_of
from counterfoil_mocks.erp.netsuite.transaction_tables import TransactionTables
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.protocols.relation import MONEY_PLACES, Column, Expression, View, amount, custom, made_up, stored

MONTHS = {f"{number:02d}": name for number, name in enumerate(
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)}  # fmt: skip


class Tables(TransactionTables):
    """The rows of NetSuite's tables, each made of selects over the business's own."""

    def views(self) -> Iterable[View]:
        """All tables."""
        for name, same in {**{each: each for each in self.columns}, **ALIASES}.items():
            rows: Callable[[], sa.FromClause] = getattr(self, f"_{same}", None) or self._other(same)
            said = " ".join((self.columns[same], *columns_of(same), *self.declared.marked(same)))
            yield View(name, rows, lambda rows, deleted: (), tuple(self._columns(same, said)), key="id")

    def _columns(self, table: str, said: str) -> Iterable[Column]:
        for each in said.split():
            name, _, refers = each.partition(">")
            name, _, mark = name.partition(":")
            kind, places = KINDS[mark]
            display = self._display(name, refers) if refers else self.declared.display(table, name)
            if table == "transaction":
                display = display or READ.get(name)
            sql = ticked(name) if mark == "b" else DERIVED.get(table, {}).get(name) or stored(name)
            kind = "id" if refers or (name == "id" and not mark) else kind
            yield Column(name, kind, sql, places, display=display)

    def _display(self, name: str, refers: str) -> Expression:
        source: Callable[[], sa.FromClause] = getattr(self, f"_{refers}", None) or self._other(refers)

        def display(rows: sa.FromClause) -> Value:
            target = source()
            return (
                sa.select(target.c[SHOWN.get(refers, "name")])
                .where(target.c.id == rows.c[name])
                .limit(1)
                .scalar_subquery()
            )

        return display

    # what is kept

    def _other(self, name: str) -> Callable[[], sa.FromClause]:
        return self._list(name) if name in LISTS else lambda: self._kept(name)

    def _kept(self, kind: str) -> sa.FromClause:
        """Records that the business does not know."""
        each = self._table("vendor_object")
        known = {"id": each.c.id, "externalid": each.c.external_id, "datecreated": each.c.created_at,
                 "lastmodifieddate": each.c.updated_at, "fullname": each.c.name, "altname": each.c.name,
                 "created": each.c.created_at, "lastmodified": each.c.updated_at}  # fmt: skip
        values: dict[str, Any] = {}
        for said in self.columns[kind].split():
            name = said.partition(">")[0].partition(":")[0]
            values[name] = known.get(name, custom(SPELLED.get(name, name))(each))
        if "currency" in values:
            values["currency"] = coded("currency", values["currency"])
        if "subsidiary" in values:
            values["subsidiary"] = self._company(values["subsidiary"])
        values |= self.declared.of(kind, each)
        return self._put(values, each, *self._live(each), each.c.kind == kind).subquery()

    def _list(self, name: str) -> Callable[[], sa.FromClause]:
        rows = []
        for row in LISTS[name]:
            shown: Record = {"id": row.id, "name": row.name, "fullname": row.name, "externalid": None, "isinactive": 0}
            if name == "account":
                shown |= {"acctnumber": row.id, "accttype": account_type(row.id)}
            elif name == "currency":
                shown |= {"symbol": row.stored}
            else:
                shown |= {"daysuntilnetdue": row.fields["daysUntilNetDue"]}
            rows.append(shown)
        return made_up(rows)

    # records

    def _customer(self) -> sa.FromClause:
        each = self._table("customer")
        kept = {name: custom(name, within=(KEEP,))(each) for name in ("email", "phone", "subsidiary")}
        values = {
            "id": each.c.id,
            "entityid": sa.func.coalesce(each.c.customer_no, each.c.name_full, each.c.name),
            "companyname": sa.func.coalesce(each.c.name_full, each.c.name),
            "altname": each.c.name,
            "email": kept["email"],
            "phone": kept["phone"],
            "externalid": each.c.external_id,
            "isinactive": sa.case((each.c.status.in_(("INACTIVE", "MERGED")), 1), else_=0),
            "subsidiary": self._company(kept["subsidiary"]),
            "currency": coded("currency", each.c.invoice_ccy),
            "terms": coded("term", each.c.terms),
            "creditlimit": amount("credit_limit", "invoice_ccy")(each),
            "vatregnumber": each.c.vat_id,
            "parent": each.c.parent,
            "datecreated": each.c.created_at,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("customer", each),
            **self.declared.of("customer", each, KEEP),
        }
        return self._all(values, each)

    def _customeraddressbook(self) -> sa.FromClause:
        each = self._table("site")
        values = {
            "internalid": each.c.id,
            "entity": each.c.customer,
            "label": each.c.site_code,
            "defaultbilling": sa.case((each.c.kind.in_(("BILL_TO", "BOTH")), 1), else_=0),
            "defaultshipping": sa.case((each.c.kind.in_(("SHIP_TO", "BOTH")), 1), else_=0),
            **{name: sa.func.json_extract(each.c["lines"], f"$[{at}]") for at, name in enumerate(STREET)},
            **{name: each.c[column] for name, column in PARTS.items()},
            "country": each.c.country,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("customeraddressbook", each),
        }
        return self._all(values, each)

    def _salestaxitem(self) -> sa.FromClause:
        each = self._table("tax_code")
        values = {
            "id": each.c.id,
            "itemid": each.c.code,
            "displayname": each.c.code,
            "rate": each.c.rate * 100,
            "externalid": each.c.external_id,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("salestaxitem", each),
        }
        return self._all(values, each)

    def _currencyrate(self) -> sa.FromClause:
        each = self._table("fx_rate")
        values = {
            "id": each.c.id,
            "basecurrency": coded("currency", each.c.to_ccy),
            "transactioncurrency": coded("currency", each.c.from_ccy),
            "effectivedate": each.c.rate_date,
            "exchangerate": each.c.rate,
            "externalid": each.c.external_id,
            "lastmodifieddate": each.c.updated_at,
            **self._customs("currencyrate", each),
        }
        return self._all(values, each)

    def _item(self) -> sa.FromClause:
        each = self._table("service_item")
        values = {
            "id": each.c.id,
            "itemid": each.c.code,
            "fullname": each.c.code,
            "displayname": each.c.name,
            "externalid": each.c.external_id,
            "isinactive": sa.case((each.c.active == 1, 0), else_=1),
            "itemtype": sa.case((told(each, "service_item") == NON_INVENTORY.name, "NonInvtPart"), else_="Service"),
            "incomeaccount": each.c.revenue_account,
            **self._customs("item", each),
            **self.declared.of("item", each, KEEP),
        }
        return self._all(values, each)

    def _subsidiary(self) -> sa.FromClause:
        each = self._table("legal_entity")
        values = {
            "id": each.c.id,
            "name": each.c.name,
            "fullname": each.c.name,
            "externalid": each.c.external_id,
            "isinactive": 0,
            "currency": coded("currency", each.c.functional_ccy),
            "country": each.c.country,
            "tranprefix": each.c.code,
            **self._customs("subsidiary", each),
        }
        return self._all(values, each)

    def _accountingperiod(self) -> sa.FromClause:
        each = self._table("period")
        month = sa.case(MONTHS, value=sa.func.substr(each.c.period, 6, 2))
        locked = sa.case((each.c.status == "OPEN", 0), else_=1)
        values = {
            "id": each.c.id,
            "periodname": month.op("||")(" ").op("||")(sa.func.substr(each.c.period, 1, 4)),
            "startdate": each.c.from_date,
            "enddate": each.c.to_date,
            "closed": sa.case((each.c.status == "CLOSED", 1), else_=0),
            **dict.fromkeys(("arlocked", "aplocked", "alllocked"), locked),
            **dict.fromkeys(("allownonglchanges", "isquarter", "isyear", "isadjust"), 0),
            "isposting": 1,
            "parent": None,
            "subsidiary": self._company(each.c.legal_entity),
        }
        return self._all(values, each)

    # revenue

    def _revenuearrangement(self) -> sa.FromClause:
        each = self._table("revenue_schedule")
        values = {
            "id": sa.func.min(each.c.id),
            "tranid": each.c.contract_no,
            "trandate": sa.func.min(each.c.start),
            "entity": sa.func.min(each.c.customer),
            "custbody_contract_no": each.c.contract_no,
        }
        return self._put(values, each, *self._live(each)).group_by(each.c.contract_no).subquery()

    def _revenueelement(self) -> sa.FromClause:
        each, first = self._table("revenue_schedule"), self._table("revenue_schedule")
        whole = (
            sa.select(sa.func.min(first.c.id))
            .where(first.c.system == self.name, first.c.contract_no == each.c.contract_no, first.c.deleted_at.is_(None))
            .scalar_subquery()
        )
        values = {
            "id": each.c.id,
            "recordnumber": each.c.key,
            "revenuearrangement": whole,
            "source": each.c.contract_no.op("||")("/").op("||")(sa.cast(each.c.line_no, sa.Text)),
            "item": self._id_of("service_item", each.c.service_item),
            "quantity": 10**MONEY_PLACES,
            "allocationamount": amount("tp")(each),
            "amount": amount("tp")(each),
            "revenuerecognitionrule": each.c.method,
            "startdate": each.c.start,
            "enddate": each.c.end,
            "amountrecognized": amount("recognised")(each),
            "lastmodifieddate": each.c.updated_at,
            **self._customs("revenueelement", each),
        }
        return self._all(values, each)

    def _revenueplanplannedrevenue(self) -> sa.FromClause:
        each = self._table("revenue_entry")
        values = {
            "id": each.c.id,
            "revenueplan": each.c.schedule,
            "amount": amount("amount")(each),
            "postingperiod": self._period_of(each.c.legal_entity, each.c.period),
        }
        return self._all(values, each)

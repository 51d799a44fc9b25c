"""Business deeds between the firm's own companies: the supplier's side of work that one's people do on another's contract.

The other side is booked with the work itself (`work.py`); both carry one `ic_ref` (domain §3.17).
"""

from __future__ import annotations

from counterfoil_mocks.companies import entity_of
from counterfoil_mocks.deeds import minor, refuse_frozen, step
from counterfoil_mocks.erp import ledger, posting
from counterfoil_mocks.erp.model import IC_CHARGE, JOURNAL_ENTRY, ROLE
from counterfoil_mocks.kernel import money
from counterfoil_mocks.kernel.errors import invalid
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx

MARKUP = 100_000
"""The firm's transfer price: cost and this share of it, scaled by 10⁶."""


def price(cost: int, markup: int | None = None) -> int:
    """Minor units that a company charges a sister for work that costs it `cost`."""
    return money.share(cost, money.RATE_SCALE + (MARKUP if markup is None else markup))


@ROLE.on_create(IC_CHARGE)
def charge(tx: Tx, values: Record) -> Record:
    """Book what a sister company owes for work: the receivable with its revenue, and the own people's cost, in the period of the
    work or late in the first open one.

    Raises Problem 409 PERIOD_CLOSED where no period is open, 422 for an unknown company or the own one.
    """
    entity_of(tx, values["legal_entity"])
    if values["ic_partner"] == values["legal_entity"]:
        raise invalid(
            "ic_partner", "a company does not charge itself", "Name the company that the contract belongs to."
        )
    entity_of(tx, values["ic_partner"])
    ccy, markup = values["ccy"], values.get("markup")
    cost = minor(values, "cost", ccy)
    figures = {"cost": cost, "markup": MARKUP if markup is None else markup}
    figures["amount"] = price(cost, markup) if values.get("amount") is None else minor(values, "amount", ccy)
    place = ledger.place_for(tx, values["legal_entity"], values["work_date"])
    entry = ledger.post(
        tx,
        values["legal_entity"],
        [*posting.legs("IC", {"charge": figures["amount"]}), *posting.legs("P6 TIME", {"cost": cost})],
        rule="IC+P6",
        day=place.date,
        source=f"intercompany {values['ic_ref']}",
        ccy=ccy,
        contract_no=values.get("contract_no"),
        project_no=values.get("project_no"),
        pair=ledger.Pair(values["ic_partner"], values["ic_ref"]),
    )
    booked_as = {"period": place.period["period"], "kind": "LATE" if place.late else "NORMAL"}
    return tx.insert(IC_CHARGE, {**values, **figures, **booked_as, "status": "POSTED", "je": entry and entry["id"]})


@ROLE.on_update(IC_CHARGE)
def change_charge(tx: Tx, record: Record, changes: Record) -> Record:
    """A booked charge is never edited."""
    refuse_frozen(record, changes)
    return tx.update(IC_CHARGE, record, changes)


@ROLE.action("reverse_ic_charge", text("reason", limit=255), on=IC_CHARGE)
def reverse_ic_charge(tx: Tx, subject: Record, values: Record) -> Record:
    """Take a charge back because the approval of the work was withdrawn."""
    if subject["je"] is not None:
        day = ledger.place_for(tx, subject["legal_entity"], subject["work_date"]).date
        ledger.mirror(tx, tx.get(JOURNAL_ENTRY, subject["je"]), day)
    return step(tx, IC_CHARGE, subject, "REVERSED", {"deleted_at": tx.stamp})

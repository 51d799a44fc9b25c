"""Tax treatment: VAT ids are validated before they free anybody from tax, and nobody overrides the rules without approval."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Missing
from counterfoil.reference.flows import Flow, on, together
from counterfoil.reference.work import Work

NOT_VALIDATED = "VAT_ID_NOT_VALIDATED"
VAT_COPIES = ("billing", "crm")
CODE_FIELDS = [
    "code",
    "kind",
    "rate",
    "taxable_fraction",
    "category",
    "legend",
    "jurisdiction",
    "valid_from",
    "valid_to",
]


class Taxes(Flow):
    """Sees to the tax of drafts."""

    @on("crm.approval.decided", severity="S1")
    async def decided(self, work: Work) -> None:
        """A decision has been made that something may have waited for."""
        approval = await work.current("approval")
        if approval["decision"] == "APPROVED":
            work.provide(awaited(approval["kind"], approval["subject"]))

    @on("erp.tax_code.changed", mirror=True, severity="S2")
    async def code_changed(self, work: Work) -> None:
        """Bring billing's copy of a tax code up to date."""
        code = await work.current("tax_code")
        values = {name: code[name] for name in CODE_FIELDS}
        found = await work.get("billing", "tax_code", code["key"])
        if found is None:
            await work.create("billing", "tax_code", values, effect=code["key"], key=code["key"])
        else:
            await work.patch("billing", "tax_code", found, values)

    async def settle(self, work: Work, draft: Record) -> Record:
        """A draft with the tax that it may be issued with. Raises Missing while an override is not approved, Unreachable while the
        register of VAT ids does not answer: nothing is guessed."""
        if NOT_VALIDATED in draft["warnings"]:
            draft = await self._validated(work, draft)
        if any(line["tax_determined"] and line["tax_code"] != line["tax_determined"] for line in draft["lines"]):
            await self.overridden(work, draft)
        return draft

    async def _validated(self, work: Work, draft: Record) -> Record:
        debtor = await work.need("erp", "customer", draft["customer_no"])
        if not debtor["vat_id"]:
            return draft
        if debtor["vat_validated_at"] is None:
            debtor = await work.act("erp", "validate_vat_id", id=debtor["id"])
        if debtor["vat_validated_at"] is None:
            return draft
        copies = await together(*(work.need(system, "customer", draft["customer_no"]) for system in VAT_COPIES))
        for system, copy in zip(VAT_COPIES, copies, strict=True):
            await work.patch(system, "customer", copy, {"vat_validated_at": debtor["vat_validated_at"]})
        return await work.act("billing", "recalculate_invoice", id=draft["id"])

    async def overridden(self, work: Work, draft: Record) -> None:
        """See that somebody has approved the tax that a draft carries in place of what the rules say."""
        subject = draft["contract_no"]
        found = await work.list("crm", "approval", subject=subject, kind="TAX_OVERRIDE", decision="APPROVED")
        if not found:
            raise Missing(awaited("TAX_OVERRIDE", subject))


def awaited(kind: str, subject: str) -> str:
    """An approval as something that may come."""
    return f"crm approval {kind} of {subject}"

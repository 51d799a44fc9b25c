"""Who owed the firm money before the story began: they pay as late as its customers always have, and a few never."""

from __future__ import annotations

from bisect import bisect
from datetime import date, timedelta
from itertools import accumulate

from counterfoil.activity.paying import apply_on_account, pay
from counterfoil.client import Record, Refused
from counterfoil.world import World
from counterfoil_mocks.firm.sizes import PAYMENT_DELAY
from counterfoil_mocks.kernel.ids import chance

DELAYS, SHARES = zip(*PAYMENT_DELAY, strict=True)
NEVER = DELAYS[-1]
PASSED = list(accumulate(SHARES))
DRAWS = 20
"""How often a day is drawn before a debt counts as bad: a day that has passed already was not the one."""


class Debtors:
    """The open invoices of a moment, and the day on which each is paid."""

    def __init__(self, world: World) -> None:
        self.world = world
        owed = [each for each in world.erp.list("ar_document", doc_type="INVOICE") if each["open_amount"]["minor"] > 0]
        days = {str(each["invoice_no"]): paid_on(world.seed, each, world.now[:10]) for each in owed}
        self.days = {number: day for number, day in days.items() if day is not None}

    def due(self) -> list[str]:
        """Numbers of the invoices whose day has come, in order of their days; none is named twice."""
        today = self.world.now[:10]
        found = sorted((day, number) for number, day in self.days.items() if day <= today)
        for _, number in found:
            del self.days[number]
        return [number for _, number in found]

    def settle(self, invoice_no: str) -> bool:
        """An invoice is settled today, by what is on account before anything else; False where the books refused it."""
        document = self.world.erp.one("ar_document", invoice_no=invoice_no, doc_type="INVOICE")
        try:
            document = apply_on_account(self.world, document)
            if document["open_amount"]["minor"] > 0:
                pay(self.world, invoice_no=invoice_no, document=document, bank_ref=f"LATE-{invoice_no}", settle=False)
        except Refused:
            return False
        return True


def paid_on(seed: int, document: Record, today: str) -> str | None:
    """The day after today on which an open invoice is paid; None: never. source: domain §9, payment delay against the due date."""
    for nth in range(DRAWS):
        bucket, within = (chance(seed, "pays", document["invoice_no"], nth, part) for part in ("bucket", "day"))
        delay = DELAYS[bisect(PASSED, bucket * PASSED[-1])]
        if delay == NEVER:
            return None
        low, high = delay
        day = date.fromisoformat(document["due"]) + timedelta(days=low + int(within * (high - low + 1)))
        if day.isoformat() > today:
            return day.isoformat()
    return None

"""What the books say of a deal."""

from __future__ import annotations

from counterfoil.activity.people import Deal
from counterfoil.client import Record, Records
from counterfoil.world import World


class Ledger:
    """A contract's journal lines as the books hold them now."""

    def __init__(self, world: World, deal: Deal) -> None:
        entries = world.erp.list("journal_entry", contract_no=deal.contract_no)
        self.lines = [(entry["posting_date"], entry["period"], line) for entry in entries for line in entry["lines"]]

    def balance(
        self, account: str, upto: str = "9999-12-31", period: str | None = None, *, in_books: bool = False
    ) -> int:
        """Debits less credits on an account, in minor units, posted up to a date (or in one period). in_books: in the currency of the
        company's books."""
        prefix = "func_" if in_books else ""
        return sum(
            line[f"{prefix}dr"]["minor"] - line[f"{prefix}cr"]["minor"]
            for day, of, line in self.lines
            if line["account"] == account and day <= upto and period in (None, of)
        )


def publish_rate(world: World, pair: str, day: str, rate: str, *, kind: str = "SPOT", settle: bool = True) -> Record:
    """Publish an FX rate in the books. pair: `EURGBP`, pounds for one euro; kind: SPOT or CLOSING."""
    made = world.erp.create(
        "fx_rate",
        from_ccy=pair[:3],
        to_ccy=pair[3:],
        rate_date=day,
        rate=rate,
        type=kind,
        source="central bank fixing",
        published_at=world.now,
    )
    if settle:
        world.settle()
    return made


def recognised(world: World, deal: Deal, line_no: int = 1) -> list[tuple[str, int]]:
    """Revenue of a line by period, minor units, what was booked in one period added up."""
    found: dict[str, int] = {}
    for each in world.erp.list("revenue_entry", contract_no=deal.contract_no, line_no=line_no):
        found[each["period"]] = found.get(each["period"], 0) + each["amount"]["minor"]
    return sorted((period, amount) for period, amount in found.items() if amount)


def credit_memos(world: World, deal: Deal) -> Records:
    """The deal's credit memos in billing, by number."""
    return sorted(world.billing.list("credit_memo", contract_no=deal.contract_no), key=lambda each: str(each["cm_no"]))

"""Who does the deeds, how long a day is, and what names a deal."""

from __future__ import annotations

from dataclasses import dataclass

MANAGER = "Project manager"
FINANCE = "Finance controller"
HOUR = 60
DAY = 8 * HOUR


@dataclass(frozen=True)
class Deal:
    """A deal by its business keys. contract_no is empty until it is won."""

    opp_no: str
    customer_no: str
    quote: str
    legal_entity: str
    ccy: str
    contract_no: str = ""

    @property
    def project_no(self) -> str:
        """The contract's first project."""
        return f"{self.contract_no}-P01"

    def task(self, line_no: int) -> str:
        """The task that a contract line's time belongs to."""
        return f"{self.project_no}/T-{line_no}"

    def milestone(self, ms_code: str) -> str:
        """The key of a milestone."""
        return f"{self.contract_no}/{ms_code}"

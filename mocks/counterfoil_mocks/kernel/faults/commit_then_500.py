"""Commit then 500: the work is committed and the answer says that it failed."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.faults.kind import Call, Exchange, Kind


@dataclass
class CommitThen500(Kind, name="commit_then_500"):
    """Answer 500 after the commit."""

    async def after(self, call: Call, exchange: Exchange) -> None:
        exchange.refusal = Problem(500, "INJECTED_ERROR", f"{call.operation} failed by plan, after its work was done.")

"""Accounts that are merged, deleted and restored in the CRM: their copies follow, and what hung on the loser hangs on the winner."""

from __future__ import annotations

from counterfoil.reference.connectors import Record
from counterfoil.reference.errors import Unfit
from counterfoil.reference.flows import Flow, on
from counterfoil.reference.work import Work

COPIES = ("erp", "billing", "psa")
RUNNING = ("APPROVED", "ACTIVE", "ON_HOLD")


class Merges(Flow):
    """Keeps one record of a company where there were two."""

    @on("crm.account.merged")
    async def merged(self, work: Work) -> None:
        """Merge the losers' copies into the winner's; one that has no copy of its own takes the loser's over."""
        winner = await work.current("customer")
        for loser in work.event.extra["losers"]:
            theirs = {system: await self._copy(work, system, loser) for system in COPIES}
            if any(theirs.values()):
                await self._merge(work, winner, loser, theirs)
        work.provide(f"crm customer {winner['customer_no']}")

    async def _copy(self, work: Work, system: str, account: Record) -> Record | None:
        links = self.desk.state.links("customer", account["id"])
        return await work.get(system, "customer", links[system][0] if system in links else account["customer_no"])

    async def _merge(self, work: Work, winner: Record, loser: Record, theirs: dict[str, Record | None]) -> None:
        for system, copy in theirs.items():
            if copy is not None and await self._copy(work, system, winner) is None:
                taken_over = {"external_id": winner["id"], "customer_no": winner["customer_no"]}
                await work.patch(system, "customer", copy, taken_over)
        golden = await self.desk.customers.copy(work, winner, None)
        for system, copy in theirs.items():
            if copy is not None and copy["id"] != golden.ids[system]:
                await work.act(
                    system, "merge_customer", id=golden.ids[system], loser=copy["id"], effect=f"{system}:{copy['id']}"
                )
            self.desk.state.link("customer", loser["id"], system, golden.ids[system], winner["version"])
        self.desk.state.link("customer", loser["id"], "crm", golden.customer_no, winner["version"])
        self.desk.customers.directory.drop(copy["id"] for copy in theirs.values() if copy is not None)

    @on("crm.account.deleted")
    async def deleted(self, work: Work) -> None:
        """Deactivate the copies of an account that has nothing open; with something open it is for a person."""
        account = work.event.record
        if await work.get("crm", "customer", account["id"]) is not None:
            return
        contracts = await work.list("crm", "contract", customer=account["id"])
        open_now = [each["contract_no"] for each in contracts if each["status"] in RUNNING]
        if open_now:
            raise Unfit(
                "OPEN_ITEMS", f"Account {account['customer_no']} is deleted and has {', '.join(open_now)} running."
            )
        await self._mark(work, account, "ACTIVE", "INACTIVE")

    @on("crm.account.restored")
    async def restored(self, work: Work) -> None:
        """Activate the copies again."""
        await self._mark(work, await work.current("customer"), "INACTIVE", "ACTIVE")

    async def _mark(self, work: Work, account: Record, was: str, status: str) -> None:
        for system in COPIES:
            copy = await self._copy(work, system, account)
            if copy is not None and copy["status"] == was:
                await work.patch(system, "customer", copy, {"status": status})

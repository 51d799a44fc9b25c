"""From a won deal to a project, a billing plan and revenue schedules."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from counterfoil.reference import dates
from counterfoil.reference.connectors import Record, Records
from counterfoil.reference.errors import Unfit
from counterfoil.reference.flows import Desk, Flow, on, together
from counterfoil.reference.flows.customers import Golden
from counterfoil.reference.matching import shortened
from counterfoil.reference.work import Work, is_in, minor, total

MANDATORY = ("customer", "bill_to", "ship_to", "legal_entity", "ccy", "lines")
PARTIES = (("customer", "customer"), ("bill_to", "site"), ("ship_to", "site"))
LIVE = ("ACTIVE", "ON_HOLD", "COMPLETED", "CLOSED")
CARD_FIELDS = ("code", "card_version", "ccy", "region", "effective_from", "effective_to")
CARD_COPIES = ("psa", "billing")
BILLED_AS_DONE = ("TM", "TM_CAPPED", "EXPENSE")
PROJECT_NAME = 80
MANAGER = "MANAGER"


def project_no(contract_no: str) -> str:
    """Number of a contract's first project."""
    return f"{contract_no}-P01"


class Setup(Flow):
    """Sets a won deal up in all systems."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.forget()

    def forget(self) -> None:
        """Forget who manages projects and which entities and cards exist."""
        self._managers: dict[str, str] = {}
        self._entities: set[str] = set()
        self._cards: set[tuple[str, str]] = set()

    # the deal

    @on("crm.opportunity.closed_won")
    async def closed_won(self, work: Work) -> None:
        """Check the deal, find or make its customer everywhere, start its contract."""
        told = work.event.record
        wanted = dict.fromkeys((told.get(name), entity) for name, entity in PARTIES)
        opportunity, contract, *parties = await together(
            work.current("opportunity"),
            work.need("crm", "contract", told.get("contract_no")),
            *(work.need("crm", entity, id_) for id_, entity in wanted),
        )
        if opportunity["stage"] != "CLOSED_WON":
            return
        if contract["contract_no"] != opportunity["contract_no"]:
            contract = await work.need("crm", "contract", opportunity["contract_no"])
        missing = [name for name in MANDATORY if not contract[name]]
        if missing:
            raise Unfit("MANDATORY_FIELDS_MISSING", f"Contract {contract['contract_no']} lacks {', '.join(missing)}.")
        await self.parties(work, contract, parties)
        if contract["status"] == "APPROVED":
            done = is_in("status", *LIVE)
            await work.act("crm", "activate_contract", id=contract["id"], entity="contract", done=done)
        elif contract["status"] == "ACTIVE":
            await self._resume(work, contract)

    @on("crm.opportunity.restored")
    async def restored(self, work: Work) -> None:
        """Go on with what a won deal has set up, now that it is back."""
        opportunity = await work.current("opportunity")
        if opportunity["stage"] == "CLOSED_WON":
            contract = await work.need("crm", "contract", opportunity["contract_no"])
            if contract["status"] == "ACTIVE":
                await self._resume(work, contract)

    @on("crm.opportunity.reopened", "crm.opportunity.deleted")
    async def reopened(self, work: Work) -> None:
        """Suspend what the deal has set up; nothing is deleted. A deal that is back by now is left alone."""
        if (
            work.event.type.endswith("deleted")
            and await work.get("crm", "opportunity", work.event.record_id) is not None
        ):
            return
        number = work.event.record.get("contract_no")
        project = await work.get("psa", "project", number and project_no(number))
        if project is not None and project["status"] == "ACTIVE":
            done = is_in("status", "ON_HOLD")
            await work.act("psa", "hold_project", key=project["key"], entity="project", done=done)
        plan = await work.get("billing", "plan", number)
        if plan is not None and plan["status"] == "ACTIVE":
            await work.act("billing", "hold_plan", key=plan["key"], entity="plan", done=is_in("status", "HELD"))

    async def _resume(self, work: Work, contract: Record) -> None:
        number = contract["contract_no"]
        project, plan = await together(
            work.get("psa", "project", project_no(number)), work.get("billing", "plan", number)
        )
        if project is not None and project["status"] == "ON_HOLD":
            done = is_in("status", "ACTIVE")
            await work.act("psa", "resume_project", key=project["key"], entity="project", done=done)
        if plan is not None and plan["status"] == "HELD":
            await work.act("billing", "resume_plan", key=plan["key"], entity="plan", done=is_in("status", "ACTIVE"))

    async def parties(self, work: Work, contract: Record, read: Sequence[Record] = ()) -> Golden:
        """The contract's customer and sites, known everywhere. read: those of them that have just been read."""
        known = {each["id"]: each for each in read}
        wanted = dict.fromkeys((contract[name], entity) for name, entity in PARTIES if contract[name])
        customer, *sites = [known.get(id_) or await work.need("crm", entity, id_) for id_, entity in wanted]
        return await self.desk.customers.ensure(work, customer, sites)

    # the contract

    @on("crm.contract.activated")
    async def activated(self, work: Work) -> None:
        """Make the project, the billing plan and the revenue schedules of a contract."""
        contract = await work.current("contract")
        if contract["status"] not in LIVE:
            return
        golden = self.desk.customers.known(contract["customer"]) or await self.parties(work, contract)
        entity = await self.entity_of(work, contract)
        await together(
            self._project(work, contract, golden, entity),
            self._plan(work, contract, golden, entity),
            self._schedules(work, contract, golden, entity),
        )
        work.provide(f"crm contract {contract['contract_no']}")

    async def entity_of(self, work: Work, contract: Record) -> str:
        """The company of the firm that the contract belongs to; there is no default for one that the books do not know."""
        code = str(contract["legal_entity"])
        if code not in self._entities:
            if await work.get("erp", "legal_entity", code) is None:
                raise Unfit("LEGAL_ENTITY_UNKNOWN", f"The books know no legal entity {code}.")
            self._entities.add(code)
        return code

    async def _project(self, work: Work, contract: Record, golden: Golden, entity: str) -> None:
        number, lines, ccy = project_no(contract["contract_no"]), contract["lines"], contract["ccy"]
        card, manager = await together(self._card(work, contract), self._manager(work, entity))
        name = contract["name"] or contract["contract_no"]
        short = shortened(name, PROJECT_NAME)
        values = {
            "project_no": number,
            "contract_no": contract["contract_no"],
            "opp_no": contract["opp_no"],
            "customer": golden.ids["psa"],
            "name": short,
            "name_full": name if short != name else None,
            "legal_entity": entity,
            "ccy": ccy,
            "practice": contract["practice"],
            "manager": manager,
            "budget_hours": sum(line["budget_hours"] or 0 for line in lines),
            "budget_fee": total([line[part] for line in lines for part in ("amount", "cap")], ccy),
            "budget_cost": total([line["budget_cost"] for line in lines], ccy),
            "rate_card": card,
            "start": contract["start"],
            "end": contract["end"],
            "external_id": contract["id"],
            "lines": [{name: line[name] for name in PROJECT_LINE_FIELDS if line[name] is not None} for line in lines],
        }
        project = await work.create("psa", "project", values, key=number)
        await together(
            self._tasks(work, project, number, lines),
            self._milestones(work, project, contract),
            self._activate(work, project),
        )
        work.provide(f"psa project {number}")

    async def _activate(self, work: Work, project: Record) -> None:
        if project["status"] == "PLANNED":
            done = is_in("status", *LIVE)
            await work.act("psa", "activate_project", id=project["id"], entity="project", done=done)

    async def _tasks(self, work: Work, project: Record, number: str, lines: Records) -> None:
        tasks = [
            {
                "project": project["id"],
                "task_code": f"T-{line['line_no']}",
                "name": (line["name"] or line["type"])[:120],
                "line_no": line["line_no"],
                "billable": True,
            }
            for line in lines
            if line["type"] != "EXPENSE"
        ]
        await work.create_all("psa", "task", tasks, key=lambda task: f"{number}/{task['task_code']}")

    async def _milestones(self, work: Work, project: Record, contract: Record) -> None:
        made = [
            {
                "project": project["id"],
                "name": (each["name"] or each["ms_code"])[:120],
                **{name: each[name] for name in ("ms_code", "amount", "planned", "rev_weight")},
            }
            for each in contract["milestones"]
        ]
        contract_no = contract["contract_no"]
        await work.create_all("psa", "milestone", made, key=lambda each: f"{contract_no}/{each['ms_code']}")

    async def _manager(self, work: Work, entity: str) -> str | None:
        """Who manages a new project: the entity's first manager."""
        if entity not in self._managers:
            for where in ({"level": MANAGER}, {}):
                people = await work.list("psa", "employee", legal_entity=entity, status="ACTIVE", **where)
                if people:
                    self._managers[entity] = min(people, key=lambda each: str(each["employee_no"]))["id"]
                    break
        return self._managers.get(entity)

    async def _card(self, work: Work, contract: Record) -> str | None:
        """Key of the contract's rate card in the PSA, copied there (and to billing) where it has not come yet."""
        if not contract["rate_card_code"]:
            return None
        key = f"{contract['rate_card_code']}/{contract['rate_card_version']}"
        missing = [system for system in CARD_COPIES if (system, key) not in self._cards]
        if missing:
            await together(*(self._copy_card(work, system, key) for system in missing))
        return key

    @on("crm.rate_card.published")
    async def rate_card_published(self, work: Work) -> None:
        """Copy a rate card version to where time is rated and billed."""
        await together(*(self._copy_card(work, system, work.event.key) for system in CARD_COPIES))
        work.provide(f"psa rate card {work.event.key}")

    async def _copy_card(self, work: Work, system: str, key: str) -> None:
        if await work.get(system, "rate_card", key) is None:
            card = await work.need("crm", "rate_card", key)
            rows = [{"level": row["level"], "rate": row["rate"]} for row in card["rows"]]
            values = {name: card[name] for name in CARD_FIELDS} | {"rows": rows, "external_id": card["id"]}
            await work.create(system, "rate_card", values, effect=key, key=key)
        self._cards.add((system, key))

    # the plan

    async def _plan(self, work: Work, contract: Record, golden: Golden, entity: str) -> None:
        number = contract["contract_no"]
        await work.act(
            "billing",
            "create_plan",
            effect=number,
            source_key=number,
            contract_no=number,
            customer=golden.ids["billing"],
            legal_entity=entity,
            ccy=contract["ccy"],
            terms=contract["terms"],
            po_no=contract["po_no"],
            billing_trigger=contract["billing_trigger"],
            project_no=project_no(number),
            lines=plan_lines(contract),
            already=("DUPLICATE_KEY",),
            bill_to=self._site(contract["bill_to"]),
            ship_to=self._site(contract["ship_to"]),
        )
        work.provide(f"billing plan {number}")

    def _site(self, site: str | None) -> str | None:
        """A CRM site as billing knows it."""
        links = self.desk.state.links("site", site or "")
        return links["billing"][0] if "billing" in links else None

    # the schedules

    async def _schedules(self, work: Work, contract: Record, golden: Golden, entity: str) -> None:
        number = contract["contract_no"]
        there = await self.scheduled(work, number)
        made = [
            {
                "contract_no": number,
                "project_no": project_no(number),
                "line_no": line["line_no"],
                "customer": golden.ids["erp"],
                "legal_entity": entity,
                "ccy": contract["ccy"],
                "method": line["rev_method"],
                "service_item": line["service_item"],
                "tp": line["amount"],
                "cap": line["cap"],
                "budget_cost": line["budget_cost"],
                "budget_hours": line["budget_hours"],
                "start": line["start"] or contract["start"],
                "end": line["end"] or contract["end"],
                **self.how_recognised(contract, line),
            }
            for line in contract["lines"]
            if line["type"] != "EXPENSE" and line["line_no"] not in there
        ]
        await work.create_all("erp", "revenue_schedule", made)

    async def scheduled(self, work: Work, number: str) -> set[int]:
        """Lines of a contract that have a schedule."""
        return {each["line_no"] for each in await work.list("erp", "revenue_schedule", contract_no=number)}

    def how_recognised(self, contract: Record, line: Record) -> Record:
        """What a line's method needs beside price and dates: the weights of all outputs, or equal parts for whole calendar months."""
        if line["rev_method"] == "MILESTONE_OUTPUT":
            mine = [each["rev_weight"] for each in contract["milestones"] if each["line_no"] == line["line_no"]]
            return {"weight_total": str(sum((Decimal(each) for each in mine if each), Decimal()))}
        start, end = line["start"] or contract["start"], line["end"] or contract["end"]
        if line["rev_method"] == "STRAIGHT_LINE" and start and end and dates.whole_months(start, end):
            return {"spread": "MONTH"}
        return {}


PROJECT_LINE_FIELDS = ("line_no", "type", "amount", "cap", "expense_markup", "tax_code", "service_item")
PLAN_LINE_FIELDS = ("tax_code", "service_item", "expense_markup")


def plan_lines(contract: Record) -> Records:
    """How a contract is billed: its advance, its milestones, its retainer by the month, and a monthly cycle for what is billed as it
    is done. What none of them covers of a line's price falls due at its end."""
    lines: Records = []
    for line in contract["lines"]:
        lines += _of_line(contract, line)
    return [{name: value for name, value in each.items() if value is not None} for each in lines]


def _of_line(contract: Record, line: Record) -> Records:
    common = {
        "line_no": line["line_no"],
        "line_type": line["type"],
        "description": line["name"],
        **{name: line[name] for name in PLAN_LINE_FIELDS},
    }
    start = line["start"] or contract["start"]
    if line["type"] in BILLED_AS_DONE:
        due = dates.first_of_next_month(start or contract["activated_at"][:10])
        return [{**common, "kind": "TM_CYCLE", "cap": line["cap"], "due": due, "every_months": 1}]
    ccy = contract["ccy"]
    if line["type"] == "RETAINER":
        days = dates.anchors(start or contract["activated_at"][:10], line["end"] or contract["end"] or start or "")
        parts = dates.split(minor(line["amount"]), len(days))
        return [
            {**common, "kind": "RETAINER", "amount": {"minor": part, "ccy": ccy}, "due": day}
            for day, part in zip(days, parts, strict=True)
        ]
    found: Records = []
    if minor(contract["mobilisation"]) and line["line_no"] == _first_fixed(contract):
        found.append(
            {**common, "kind": "MOBILISATION", "amount": contract["mobilisation"], "description": "Mobilisation"}
        )
    found += [
        {
            **common,
            "kind": "MILESTONE",
            "ms_code": each["ms_code"],
            "amount": each["amount"],
            "description": each["name"],
        }
        for each in contract["milestones"]
        if each["line_no"] == line["line_no"]
    ]
    rest = minor(line["amount"]) - sum(minor(each["amount"]) for each in found)
    if rest:
        due = line["end"] or contract["end"] or start
        found.append({**common, "kind": "SCHEDULE", "amount": {"minor": rest, "ccy": ccy}, "due": due})
    return found


def _first_fixed(contract: Record) -> int:
    return next((int(line["line_no"]) for line in contract["lines"] if line["type"] == "FIXED_FEE"), 0)

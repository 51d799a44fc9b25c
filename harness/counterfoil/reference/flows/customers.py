"""Customers and sites: one golden record each, copied to books, billing and PSA; duplicates are found before anything is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from counterfoil.reference import matching
from counterfoil.reference.connectors import Connector, Record, Records
from counterfoil.reference.errors import Held
from counterfoil.reference.flows import Desk, Flow, on, together
from counterfoil.reference.matching import Verdict
from counterfoil.reference.routes import named
from counterfoil.reference.work import Work

OWNED_BY_CRM = ("legal_name", "country", "owner", "segment", "language", "po_required")
OWNED_BY_BOOKS = (
    "vat_id",
    "tax_no",
    "tax_status",
    "exemption_cert",
    "exemption_expires",
    "vat_validated_at",
    "terms",
    "invoice_ccy",
    "credit_limit",
)
SITE_FIELDS = (
    "kind",
    "lines",
    "city",
    "region",
    "postcode",
    "country",
    "jurisdiction_code",
    "email_invoices_to",
    "valid_from",
    "valid_to",
)
SITE_COPIES = ("erp", "billing")
DEEPEST = 6
REQUESTER = "Integration"


@dataclass(frozen=True)
class Golden:
    """A customer as all systems know it. ids: its native id in each of them."""

    customer_no: str
    ids: dict[str, str]


class Directory:
    """The debtors of the books, kept up to date by reading what has changed since the last look."""

    def __init__(self) -> None:
        self._since: str | None = None
        self._records: dict[str, Record] = {}
        self._by_mark: dict[str, set[str]] = {}

    async def refresh(self, books: Connector) -> None:
        """Read what has changed."""
        where = {"updated_since": self._since} if self._since else {}
        for record in await books.list("customer", where):
            self.add(record)
            self._since = max(self._since or "", record["updated_at"])

    def add(self, record: Record) -> None:
        """Know a debtor."""
        before = self._records.get(record["id"])
        if before is not None and before["version"] > record["version"]:
            return
        for mark in marks_of(before) if before else ():
            self._by_mark[mark].discard(record["id"])
        self._records[record["id"]] = record
        for mark in marks_of(record):
            self._by_mark.setdefault(mark, set()).add(record["id"])

    def drop(self, ids: Iterable[str]) -> None:
        """Forget debtors that are gone."""
        for id_ in ids:
            before = self._records.pop(id_, None)
            for mark in marks_of(before) if before else ():
                self._by_mark[mark].discard(id_)

    def like(self, customer: Record) -> Records:
        """Debtors that share anything telling with a CRM account, oldest first."""
        wanted = {*marks_of(customer), f"ext:{customer['id']}"}
        found = {id_ for mark in wanted for id_ in self._by_mark.get(mark, ())}
        return sorted((self._records[id_] for id_ in found), key=lambda each: (each["created_at"], each["id"]))


def marks_of(customer: Record) -> list[str]:
    """What a customer may be recognised by."""
    marks = [f"name:{customer['country']}:{matching.normal_name(customer['name'])}"]
    for name, field in (("ext", "external_id"), ("no", "customer_no")):
        if customer.get(field):
            marks.append(f"{name}:{customer[field]}")
    if matching.normal_code(customer.get("vat_id")):
        marks.append(f"vat:{matching.normal_code(customer['vat_id'])}")
    return marks


class Customers(Flow):
    """Keeps the copies of customers and sites."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.forget()

    def forget(self) -> None:
        """Forget the directories."""
        self._directories: dict[str, Directory] = {}

    @property
    def directory(self) -> Directory:
        """The debtors of the books that are meant now."""
        return self._directories.setdefault(named("erp"), Directory())

    @on("crm.account.updated", mirror=True)
    async def account_updated(self, work: Work) -> None:
        """Bring the copies up to date, where there are any."""
        customer = await work.current("customer")
        if self.known(customer["id"]) is not None or await work.get("erp", "customer", customer["customer_no"]):
            await self.copy(work, customer, None)

    @on("crm.site.changed", mirror=True)
    async def site_changed(self, work: Work) -> None:
        """The same for a site."""
        site = await work.current("site")
        golden = self.known(site["customer"])
        if golden is None and await work.get("erp", "customer", site["customer_no"]):
            golden = await self.copy(work, await work.need("crm", "customer", site["customer"]), None)
        if golden is not None:
            await self.copy_sites(work, golden, [site], fresh=())

    def known(self, customer_id: str) -> Golden | None:
        """A CRM account whose copies exist in all systems."""
        links = self.desk.state.links("customer", customer_id)
        if not {"crm", "erp", "billing", "psa"} <= links.keys():
            return None
        return Golden(links["crm"][0], {system: id_ for system, (id_, _) in links.items() if system != "crm"})

    async def ensure(self, work: Work, customer: Record, sites: Records) -> Golden:
        """The golden record of a CRM account with its sites, made where it is not there yet; raises Held for a doubtful duplicate."""
        golden = self.known(customer["id"])
        if golden is not None and self.desk.state.links("customer", customer["id"])["crm"][1] >= customer["version"]:
            await self.copy_sites(work, golden, [site for site in sites if self._stale(site)], fresh=())
            return golden
        return await self.copy(work, customer, sites)

    def _stale(self, site: Record) -> bool:
        links = self.desk.state.links("site", site["id"])
        return any(system not in links or links[system][1] < site["version"] for system in SITE_COPIES)

    async def copy(self, work: Work, customer: Record, sites: Records | None, depth: int = 1) -> Golden:
        """Write the copies of an account, its parents' first, so that no copy's tree closes a loop on the way. sites: written too; None for none."""
        parents = await self._parents(work, customer, depth)
        async with self.desk.alone(*marks_of(customer), f"ext:{customer['id']}"):
            return await self._copy(work, customer, sites, parents)

    async def _parents(self, work: Work, customer: Record, depth: int) -> dict[str, str]:
        if customer["parent"] is None or depth >= DEEPEST:
            return {}
        parent = await work.need("crm", "customer", customer["parent"])
        golden = self.known(parent["id"])
        if golden is None or self.desk.state.links("customer", parent["id"])["crm"][1] < parent["version"]:
            golden = await self.copy(work, parent, None, depth + 1)
        return golden.ids

    async def _copy(self, work: Work, customer: Record, sites: Records | None, parents: dict[str, str]) -> Golden:
        links = self.desk.state.links("customer", customer["id"])
        number = links["crm"][0] if "crm" in links else customer["customer_no"]
        found: dict[str, Record | None] = {}
        if "erp" in links:
            found["erp"] = await work.need("erp", "customer", links["erp"][0])
        else:
            found["erp"] = await self._in_books(work, customer, sites)
            number = (found["erp"] or {}).get("customer_no") or number
        # Copies are made in the books first, so who is new there is new to the others.
        known = [each for each in ("billing", "psa") if each in links or found["erp"] is not None]
        looked = (work.get(each, "customer", links.get(each, (number, 0))[0]) for each in known)
        found |= dict(zip(known, await together(*looked), strict=True))
        books = await self._write(work, "erp", customer, number, found["erp"], parents, customer)
        self.directory.add(books)
        others = await together(
            *(
                self._write(work, system, customer, number, found.get(system), parents, books)
                for system in ("billing", "psa")
            )
        )
        for system, record in zip(("erp", "billing", "psa"), (books, *others), strict=True):
            self.desk.state.link("customer", customer["id"], system, record["id"], customer["version"])
        self.desk.state.link("customer", customer["id"], "crm", number, customer["version"])
        work.provide(f"erp customer {number}")
        golden = Golden(number, {"erp": books["id"], "billing": others[0]["id"], "psa": others[1]["id"]})
        if sites:
            await self.copy_sites(work, golden, sites, fresh=[each for each in SITE_COPIES if found.get(each) is None])
        return golden

    # duplicates

    async def _in_books(self, work: Work, customer: Record, sites: Records | None) -> Record | None:
        """The debtor that the account already is, None for a new one; raises Held where only a person can tell."""
        await self.directory.refresh(work.systems["erp"])
        decision = self.desk.state.decision(customer["customer_no"])
        if decision is not None:
            await self._record_decision(work, decision)
            chosen = decision.get("customer") if decision.get("decision") == "same" else None
            return await work.need("erp", "customer", chosen) if chosen else None
        same, doubtful = [], []
        for candidate in self.directory.like(customer):
            verdict = await self._verdict(work, customer, candidate, sites or ())
            if verdict == "same":
                same.append(candidate)
            elif verdict == "doubtful":
                doubtful.append(candidate)
        if same:
            own = [
                each
                for each in same
                if customer["customer_no"] == each["customer_no"] or customer["id"] == each["external_id"]
            ]
            return (own or same)[0]
        if doubtful:
            await self._hold(work, customer, doubtful)
        return None

    async def _verdict(self, work: Work, customer: Record, candidate: Record, sites: Iterable[Record]) -> Verdict:
        verdict = self.compare(customer, candidate, (), None)
        if verdict != "same" or candidate.get("external_id") == customer["id"]:
            return verdict
        theirs = await work.list("erp", "site", customer=candidate["id"])
        ours = next((site["postcode"] for site in sites if site.get("postcode")), None)
        return self.compare(customer, candidate, [site["postcode"] for site in theirs], ours)

    def compare(
        self, ours: Record, theirs: Record, postcodes: Iterable[str | None], our_postcode: str | None
    ) -> Verdict:
        """Whether a debtor is the account."""
        return matching.compare(ours, theirs, postcodes, our_postcode)

    async def _hold(self, work: Work, customer: Record, doubtful: Records) -> None:
        names = ", ".join(f"{each['name']} ({each['id']})" for each in doubtful)
        reason = f"{customer['name']} may be the same company as {names}: same name and country, another address, no tax id to tell."
        await work.create(
            "crm",
            "approval",
            {
                "subject": customer["customer_no"],
                "kind": "DUPLICATE",
                "requester": REQUESTER,
                "reason": reason[:1000],
                "evidence": [each["id"] for each in doubtful],
            },
            effect="doubt",
        )
        raise Held(customer["customer_no"], reason, [each["id"] for each in doubtful])

    async def _record_decision(self, work: Work, decision: Record) -> None:
        asked = self.desk.state.step(work.name, "crm.approval.create:doubt")
        if asked is None:
            return
        await work.act(
            "crm",
            "decide_approval",
            id=asked["id"],
            entity="approval",
            done=lambda record: record["decision"] != "PENDING",
            approver=decision["approver"],
            decision="APPROVED" if decision["decision"] == "distinct" else "REJECTED",
            reason=f"The companies are {decision['decision']}.",
        )

    # writing

    async def _write(
        self,
        work: Work,
        system: str,
        customer: Record,
        number: str,
        found: Record | None,
        parents: dict[str, str],
        tax: Record,
    ) -> Record:
        """One copy. tax: whose values the fields that the books own are taken from."""
        values = {name: customer[name] for name in OWNED_BY_CRM} | self._names(system, customer)
        if parents or customer["parent"] is None:
            values["parent"] = parents.get(system)
        if found is None:
            owned = {name: tax[name] for name in OWNED_BY_BOOKS}
            distinct = self.desk.state.decision(customer["customer_no"]) is not None or customer["distinct_approved"]
            flags = {"external_id": customer["id"], "customer_no": number, "distinct_approved": distinct}
            return await work.create(system, "customer", {**values, **owned, **flags}, effect=number, key=number)
        if found["external_id"] not in (None, customer["id"]):
            if named("crm") != "crm" and system == "erp":  # an account of a second CRM that the first one has already
                await work.patch("crm", "customer", customer, {"external_id": found["external_id"]})
            return found
        if not found["customer_no"]:
            values["customer_no"] = number
        for name in OWNED_BY_BOOKS:
            if system != "erp" or found[name] is None:
                values[name] = tax[name]
        return await work.patch(system, "customer", found, {**values, "external_id": customer["id"]})

    def _names(self, system: str, customer: Record) -> Record:
        """What a system calls a customer: `name` as long as it takes, and the whole one where that is longer."""
        short = matching.shortened(customer["name"], matching.NAME_LIMIT[system])
        full = customer["name_full"] or (customer["name"] if short != customer["name"] else None)
        return {"name": short, "name_full": full}

    async def copy_sites(self, work: Work, golden: Golden, sites: Records, fresh: Iterable[str]) -> None:
        """Write the copies of sites. fresh: systems where the customer has just been made, so that there can be none yet."""
        await together(
            *(self._write_site(work, system, golden, site, system in fresh) for system in SITE_COPIES for site in sites)
        )

    async def _write_site(self, work: Work, system: str, golden: Golden, site: Record, fresh: bool) -> None:
        key = f"{golden.customer_no}/{site['site_code']}"
        values = {name: site[name] for name in SITE_FIELDS}
        links = self.desk.state.links("site", site["id"])
        found = None if fresh else await work.get(system, "site", links[system][0] if system in links else key)
        if found is None:
            owner = {"customer": golden.ids[system], "site_code": site["site_code"], "external_id": site["id"]}
            found = await work.create(system, "site", {**values, **owner}, effect=key, key=key)
        else:
            place = {"customer": golden.ids[system], "site_code": site["site_code"]}
            found = await work.patch(system, "site", found, {**values, **place, "external_id": site["id"]})
        self.desk.state.link("site", site["id"], system, found["id"], site["version"])

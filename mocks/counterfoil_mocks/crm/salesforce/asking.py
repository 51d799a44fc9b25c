"""Queries over HTTP: SOQL by pages, and the search language SOSL."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from counterfoil_mocks.crm.salesforce.errors import Refused, of_query
from counterfoil_mocks.crm.salesforce.ids import made
from counterfoil_mocks.crm.salesforce.objects import SObject
from counterfoil_mocks.kernel import clock, ids
from counterfoil_mocks.kernel.face import Request
from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.protocols.soql import Engine, Manner
from counterfoil_mocks.protocols.soql_answer import Answer, Asked
from counterfoil_mocks.protocols.soql_conditions import business_day
from counterfoil_mocks.protocols.soql_grammar import SoqlError

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

PAGE = (200, 2000)
LONGEST_QUERY = 100_000
CHILD_PAGE = 200
MOST_LOCATORS = 10
DAYS = 2
BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
FIND = re.compile(
    r"\s*FIND\s*\{(?P<words>.*?)(?<!\\)\}\s*(IN\s+(?P<where>ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\s*)?"
    r"(RETURNING\s+(?P<returning>.*?))?(\s+LIMIT\s+(?P<limit>\d+))?\s*$",
    re.IGNORECASE | re.DOTALL,
)
FIELDS, FIELDS_SINCE = re.compile(r"\bFIELDS\s*\(", re.IGNORECASE), 51
"""A word of the language, and the version that brought it."""
INNER, SOURCE = re.compile(r"\([^()]*\)"), re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
SEARCHED = {
    "ALL": ("Name", "Email", "Phone", "Description", "Website", "AccountNumber", "LastName", "FirstName", "Title"),
    "NAME": ("Name", "LastName", "FirstName"),
    "EMAIL": ("Email",),
    "PHONE": ("Phone", "MobilePhone"),
}


@dataclass
class Rest:
    """The rest of an answer that somebody may still ask for."""

    answer: Answer
    until: str
    page: int


class Queries:
    """Answers SOQL and SOSL. Locators live for two days, the last ten of them."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face
        self.engine = Engine(face.system.store, face.catalog, face.system.schema, face.org.user)
        self._kept: OrderedDict[str, Rest] = OrderedDict()
        self._asked = Kept(face.system, "locator", DAYS * 86_400)

    def answer(self, text: str, *, deleted: bool = False, manner: Manner = "query") -> Answer:
        """Answer SOQL; raises Refused."""
        if len(text) > LONGEST_QUERY:
            message = f"SOQL statements cannot be longer than {LONGEST_QUERY} characters."
            raise Refused(400, "MALFORMED_QUERY", message)
        try:
            found = self.engine.answer(
                text, business_day(self.face.system.clock.now, "UTC"), deleted=deleted, manner=manner
            )
        except SoqlError as error:
            raise of_query(error) from None
        found.asked = Asked(text, deleted)
        if self.face.system.settings.get("shuffle") and not any(each.order for each in found.plan.select):
            seed = self.face.system.world.seed
            found.rows = sorted(found.rows, key=lambda row: ids.digest(seed, "shuffle", *row))
        return found

    def first(
        self, text: str, version: str, wish: str | None, *, deleted: bool = False, manner: Manner = "query"
    ) -> Record:
        """The first page of an answer."""
        if float(version) < FIELDS_SINCE and FIELDS.search(text):
            raise Refused(400, "MALFORMED_QUERY", "unexpected token: 'FIELDS'")
        return self.page(self.answer(text, deleted=deleted, manner=manner), 0, page_size(wish), version)

    def page(self, answer: Answer, start: int, size: int, version: str, locator: str = "") -> Record:
        """A page of an answer."""
        total, stop = answer.total, start + size
        hidden = self.face.hidden
        child_page = int(self.face.system.settings.get("child_page", CHILD_PAGE))

        def more(rest: Answer, at: int) -> str:
            return self._url(version, self._keep(rest, child_page), at)

        records = answer.records(
            start, stop, lambda name, record: self.face.url_of(version, name, record), more, child_page
        )
        if hidden is not None:
            records = [each for each in records if (found := self._stored(each)) is None or not hidden(found)]
        shown: Record = {"totalSize": total, "done": answer.plan.count_only or stop >= total}
        if not shown["done"]:
            shown["nextRecordsUrl"] = self._url(version, locator or self._keep(answer, size), stop)
        return {**shown, "records": records}

    def further(self, named: str, version: str, wish: str | None) -> Record:
        """The page that a locator names; raises Refused."""
        locator, _, at = named.rpartition("-")
        kept = self._known(locator)
        if kept is None or not at.isdigit() or kept.until < self.face.system.clock.now:
            self._kept.pop(locator, None)
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        size = page_size(wish) if wish else kept.page
        return self.page(kept.answer, int(at), size, version, locator)

    def _stored(self, record: Record) -> Record | None:
        """What is kept of a shown record; None where an answer does not say which it is."""
        each = self.face.objects.get(str(record["attributes"]["type"]).lower())
        if each is None or not each.entity or "Id" not in record:
            return None
        return self.face.system.table(each.entity).by_id(self.face.system.name, record["Id"])

    def asked_for(self, request: Request) -> SObject | None:
        """The object that a query, or a further page of one, is about; None where that cannot be told."""
        kept = self._known(request.params.get("locator", "").rpartition("-")[0])
        if kept is not None:
            return self.face.objects.get(kept.answer.plan.view.name.lower())
        text = dict(parse_qsl(request.query.decode("latin-1"))).get("q", "")
        found = SOURCE.search(INNER.sub("", text))
        return self.face.objects.get(found[1].lower()) if found else None

    def _known(self, locator: str) -> Rest | None:
        """What a locator is of; what another process has begun to answer is asked again."""
        if not self._asked.shared or not locator:
            return self._kept.get(locator)
        said = self._asked.get(locator)
        if said is None or said["number"] <= self._asked.get("last") - MOST_LOCATORS:
            return None
        if locator not in self._kept:
            answer: Answer | None = self.answer(said["text"], deleted=said["deleted"])
            for name, parent in said["way"]:
                answer = None if answer is None else answer.inner(name, parent)
            if answer is None:
                return None
            answer.asked = Asked(said["text"], said["deleted"], tuple(map(tuple, said["way"])))
            self._remember(locator, answer, said["page"])
        return self._kept[locator]

    def _keep(self, answer: Answer, page: int) -> str:
        system, number = self.face.system, self._asked.count("number")
        locator = made("01g", system.world.seed, system.world.epoch, system.name, number)
        if self._asked.shared and answer.asked is not None:
            self._asked.put(locator, {**answer.asked._asdict(), "page": page, "number": number})
            self._asked.put("last", number)
        self._remember(locator, answer, page)
        return locator

    def _remember(self, locator: str, answer: Answer, page: int) -> None:
        self._kept[locator] = Rest(answer, clock.later(self.face.system.clock.now, days=DAYS), page)
        while len(self._kept) > MOST_LOCATORS:
            self._kept.popitem(last=False)

    @staticmethod
    def _url(version: str, locator: str, at: int) -> str:
        return f"/services/data/v{version}/query/{locator}-{at}"

    # SOSL

    def search(self, text: str, version: str) -> Record:
        """Answer SOSL; raises Refused."""
        found = FIND.match(text)
        if found is None:
            raise Refused(400, "MALFORMED_SEARCH", f"No such search: {text}")
        limit = int(found["limit"] or 2000)
        wanted = _returning(found["returning"] or "") or [
            (name, "Id", "") for name in ("Account", "Contact", "Opportunity", "Lead")
        ]
        return {
            "searchRecords": self.records(found["words"], (found["where"] or "ALL").upper(), wanted, limit, version)
        }

    def records(
        self, words: str, where: str, wanted: list[tuple[str, str, str]], limit: int, version: str
    ) -> list[Record]:
        """Records that contain the words. wanted: object, fields, further clauses."""
        test = _condition(words)
        records: list[Record] = []
        for name, fields, clauses in wanted:
            each = self.face.objects.get(name.lower())
            if each is None:
                raise Refused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
            condition = test(self._searched(each, where))
            if not condition:
                continue
            query = f"SELECT {fields} FROM {each.name} WHERE ({condition})"
            before, after = _clauses(clauses)
            query += f" AND ({before})" if before else ""
            records += self.first(f"{query} {after}", version, None, manner="search")["records"]
        return records[:limit]

    @staticmethod
    def _searched(each: SObject, where: str) -> list[str]:
        return [name for name in SEARCHED.get(where, SEARCHED["ALL"]) if name.lower() in each.by_name]


def page_size(wish: str | None) -> int:
    """The rows of a page, as a client wishes within bounds."""
    said = BATCH.search(wish or "")
    return max(PAGE[0], min(PAGE[1], int(said[1]))) if said else PAGE[1]


def _returning(text: str) -> list[tuple[str, str, str]]:
    """`Account(Id, Name WHERE … LIMIT n), Contact` as object, fields and clauses."""
    found, depth, start = [], 0, 0
    for at, character in enumerate(f"{text},"):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            part = text[start:at].strip()
            start = at + 1
            if not part:
                continue
            name, _, inside = part.partition("(")
            inside = inside.rstrip().removesuffix(")")
            fields, mark, clauses = _split(inside)
            found.append((name.strip(), fields or "Id", mark + clauses))
    return found


def _split(inside: str) -> tuple[str, str, str]:
    match = re.search(r"\s(WHERE|ORDER\s+BY|LIMIT|OFFSET)\s", f" {inside}", re.IGNORECASE)
    if match is None:
        return inside.strip(), "", ""
    at = max(0, match.start() - 1)
    return inside[:at].strip(), "", inside[at:].strip()


def _clauses(text: str) -> tuple[str, str]:
    """The condition and what follows it."""
    match = re.match(
        r"WHERE\s+(?P<condition>.*?)(?P<rest>\s+(ORDER\s+BY|LIMIT|OFFSET)\s.*)?$", text, re.IGNORECASE | re.DOTALL
    )
    if match is None:
        return "", text
    return match["condition"], (match["rest"] or "").strip()


def _condition(words: str) -> Callable[[list[str]], str]:
    """A condition of SOQL for search words: AND between them unless OR is said, NOT before one, `*` and `?` wild, quotes keep words together."""
    tokens = re.findall(r'"[^"]+"|\S+', re.sub(r"\\([?&|!{}\[\]()^~*:\\\"'+-])", r"\1", words))
    if len("".join(tokens).replace('"', "").replace("*", "")) < 2:
        raise Refused(400, "MALFORMED_SEARCH", "search term must be longer than one character: " + words)
    groups: list[list[tuple[str, str]]] = [[]]
    negated = False
    for token in tokens:
        if token.upper() == "OR":
            groups.append([])
        elif token.upper() == "NOT":
            negated = True
        elif token.upper() != "AND":
            groups[-1].append(("NOT " if negated else "", token.strip('"')))
            negated = False

    def like(word: str) -> str:
        escaped = word.replace("\\", "\\\\").replace("'", "\\'").replace("%", "\\%").replace("_", "\\_")
        return escaped.replace("*", "%").replace("?", "_")

    def condition(names: list[str]) -> str:
        if not names:
            return ""
        alternatives = []
        for group in groups:
            every = [
                f"({sign}("
                + " OR ".join(f"{name} LIKE '{like(word)}%' OR {name} LIKE '% {like(word)}%'" for name in names)
                + "))"
                for sign, word in group
            ]
            alternatives.append("(" + " AND ".join(every) + ")")
        return " OR ".join(alternatives)

    return condition


def plain(value: Any) -> str:
    """A literal of SOQL."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"

"""Routes to what there is: signing in, versions, limits, describes, queries and searches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.crm.salesforce import describe, errors, shapes, soap
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import long_id
from counterfoil_mocks.crm.salesforce.spelling import (
    DATA,
    VERSIONS,
    Run,
    version_of,
)
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

SEASONS = ("Spring", "Summer", "Winter")
LIMITS = (
    "DailyBulkV2QueryJobs",
    "DailyBulkApiBatches",
    "DailyStreamingApiEvents",
    "DataStorageMB",
    "FileStorageMB",
    "HourlyODataCallout",
)
EMPTY = {
    "recent": [],
    "tabs": [],
    "theme": {"themeItems": []},
    "actions": [],
    "appMenu": [],
    "quickActions": [],
    "process/rules": {"rules": {}},
    "process/approvals": {"approvals": {}},
}
"""What the org has none of, by its path."""
COMPACT: dict[str, Any] = {
    "compactLayouts": [],
    "defaultCompactLayoutId": None,
    "recordTypeCompactLayoutMappings": [],
    "urls": {},
}
LAYOUT: dict[str, Any] = {
    "buttonLayoutSection": None,
    "detailLayoutSections": [],
    "editLayoutSections": [],
    "relatedLists": [],
}
EMPTY_OF_OBJECT: tuple[tuple[str, str, Any], ...] = (
    ("object_actions", "quickActions", []),
    ("layouts", "describe/layouts", {"layouts": [], "recordTypeMappings": []}),
    ("layouts", "describe/layouts/{record_type}", LAYOUT),
    ("compactLayouts", "describe/compactLayouts", COMPACT),
    ("approvalLayouts", "describe/approvalLayouts", {"approvalLayouts": []}),
)
"""What no object has: operation, path below the object, answer."""


def label_of(version: int) -> str:
    """The release that brought an API version."""
    season = SEASONS[(version - 48) % 3]
    year = 20 + (version - 48) // 3 + (1 if season == "Winter" else 0)
    return f"{season} '{year}"


class Resources:
    """Signing in, and all that is read without naming a record."""

    def __init__(self, face: SalesforceFace) -> None:
        self.face = face

    def operations(self) -> Iterable[Operation]:
        """The routes."""
        yield from self._signing_in()
        yield from self._resources()

    def _signing_in(self) -> Iterable[Operation]:
        sessions = self.face.sessions

        def public(name: str, method: str, path: str, run: Run, summary: str) -> Operation:
            return Operation(name, method, path, run, summary, public=True, secret=True)

        yield public(
            "token",
            "POST",
            "/services/oauth2/token",
            lambda ask: sessions.token(ask.request, self.face.base(ask.request)),
            "Get a session",
        )
        for method in ("GET", "POST"):
            yield public(
                "revoke_token",
                method,
                "/services/oauth2/revoke",
                lambda ask: sessions.revoke(ask.request),
                "End a session",
            )
        yield public(
            "authorise",
            "GET",
            "/services/oauth2/authorize",
            lambda ask: sessions.authorise(ask.request),
            "Ask the user",
        )
        for kind in ("u", "c"):
            for path in (f"/services/Soap/{kind}/{{version}}", f"/services/Soap/{kind}/{{version}}/{{org}}"):
                yield Operation(
                    "soap",
                    "POST",
                    path,
                    lambda ask: soap.answer(self.face, ask),
                    "The SOAP API",
                    public=True,
                    secret=True,
                    write=True,
                )
        for method in ("GET", "POST"):
            yield Operation(
                "userinfo",
                method,
                "/services/oauth2/userinfo",
                lambda ask: Answer(200, sessions.user_info(self.face.base(ask.request))),
                "Who am I",
            )
        yield public("identity", "GET", "/id/{org}/{user}", self._identity, "Who am I")
        yield public("versions", "GET", "/services/data", self._versions, "The versions of the API")

    def _identity(self, ask: Ask) -> Answer:
        token = dict(ask.query).get("oauth_token")
        if token:
            self.face.sessions.session(token)
        else:
            self.face.sessions.check(ask.request)
        if long_id(ask.params["org"]) != self.face.org.id or long_id(ask.params["user"]) != self.face.org.user:
            raise errors.not_found()
        identity = self.face.sessions.identity(self.face.base(ask.request))
        version = dict(ask.query).get("version")
        if version:
            identity["urls"] = {name: url.replace("{version}", version) for name, url in identity["urls"].items()}
        return Answer(200, identity)

    def _versions(self, ask: Ask) -> Answer:
        shown = [
            {"label": label_of(each), "url": f"/services/data/v{each}.0", "version": f"{each}.0"} for each in VERSIONS
        ]
        return Answer(200, shown)

    def _resources(self) -> Iterable[Operation]:
        def read(name: str, path: str, run: Run, summary: str) -> Operation:
            return Operation(name, "GET", DATA + path, run, summary)

        yield read("resources", "", self._roots, "What there is")
        yield read("limits", "/limits", self._limits, "What is left of the day")
        yield read("describe_all", "/sobjects", self._global, "All objects")
        yield read("object", "/sobjects/{object}", self._basic, "An object in short")
        yield read("describe", "/sobjects/{object}/describe", self._describe, "An object in full")
        for path, payload in EMPTY.items():
            name = path.replace("/", "_")
            yield read(name, f"/{path}", lambda ask, shown=payload: Answer(200, shown), "Nothing")  # type: ignore[misc]
        yield read("listviews", "/sobjects/{object}/listviews", self._list_views, "Nothing")
        for name, path, nothing in EMPTY_OF_OBJECT:
            place = f"/sobjects/{{object}}/{path}"
            yield read(name, place, lambda ask, shown=nothing: Answer(200, shown), "Nothing")  # type: ignore[misc]
        yield read("query", "/query", self._query, "Answer SOQL")
        yield read("query_all", "/queryAll", self._query_all, "Answer SOQL, the bin included")
        for path in ("/query/{locator}", "/queryAll/{locator}"):
            yield read("query_more", path, self._more, "The next page of an answer")
        yield read("search", "/search", self._search, "Answer SOSL")
        yield read("search_parameters", "/parameterizedSearch", self._search_parameters, "Search")
        yield Operation(
            "search_parameters", "POST", DATA + "/parameterizedSearch", self._search_body, "Search", kind="json"
        )

    def _root(self, ask: Ask) -> str:
        return f"/services/data/{ask.params['version']}"

    def _roots(self, ask: Ask) -> Answer:
        root = self._root(ask)
        names = [
            "tooling",
            "metadata",
            "eclair",
            "folders",
            "prechatForms",
            "chatter",
            "tabs",
            "appMenu",
            "quickActions",
            "queryAll",
            "commerce",
            "wave",
            "iot",
            "search",
            "identity",
            "composite",
            "parameterizedSearch",
            "theme",
            "nouns",
            "recent",
            "connect",
            "licensing",
            "limits",
            "process",
            "dedupe",
            "async-queries",
            "query",
            "jobs",
            "match",
            "localizedvalue",
            "mobile",
            "emailConnect",
            "consent",
            "tokenizer",
            "compactLayouts",
            "sobjects",
            "actions",
            "support",
        ]
        shown: dict[str, Any] = {name: f"{root}/{name}" for name in names}
        shown["identity"] = f"{self.face.base(ask.request)}/id/{self.face.org.id}/{self.face.org.user}"
        return Answer(200, shown)

    def _limits(self, ask: Ask) -> Answer:
        shown = {
            "DailyApiRequests": {"Max": self.face.daily, "Remaining": max(0, self.face.daily - self.face.system.calls)}
        }
        shown |= {name: {"Max": 10_000, "Remaining": 10_000} for name in LIMITS}
        return Answer(200, shown)

    def _global(self, ask: Ask) -> Answer:
        root = self._root(ask)
        shown = [describe.entry(each, root) for each in self.face.objects.values()]
        return Answer(
            200,
            {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sorted(shown, key=lambda each: str(each["name"]))},
        )

    def _basic(self, ask: Ask) -> Answer:
        each = self.face.at(ask).object(ask.params["object"])
        return Answer(200, {"objectDescribe": describe.entry(each, self._root(ask)), "recentItems": []})

    def _describe(self, ask: Ask) -> Answer:
        each = self.face.at(ask).object(ask.params["object"])
        if ask.request.header(b"if-modified-since"):
            return Answer(304, None)
        return Answer(200, describe.described(self.face.catalog, each, self._root(ask)))

    def _list_views(self, ask: Ask) -> Answer:
        return Answer(
            200, {"done": True, "listviews": [], "nextRecordsUrl": None, "size": 0, "sobjectType": ask.params["object"]}
        )

    # queries

    def _query(self, ask: Ask, *, deleted: bool = False) -> Answer:
        asked = dict(ask.query)
        if "explain" in asked:
            return self._explained(asked["explain"])
        if "q" not in asked:
            raise Refused(400, "MALFORMED_QUERY", "A query string has to be specified")
        wish = ask.request.header(b"sforce-query-options")
        return Answer(
            200, self.face.queries.first(asked["q"], version_of(ask.params["version"]), wish, deleted=deleted)
        )

    def _query_all(self, ask: Ask) -> Answer:
        return self._query(ask, deleted=True)

    def _explained(self, text: str) -> Answer:
        answer = self.face.queries.answer(text)
        kind = answer.plan.view.name
        plan = {
            "cardinality": answer.total,
            "fields": [],
            "leadingOperationType": "TableScan",
            "notes": [],
            "relativeCost": 1.0,
            "sobjectCardinality": self.face.queries.answer(f"SELECT COUNT() FROM {kind}").total,
            "sobjectType": kind,
        }
        return Answer(200, {"plans": [plan], "sourceQuery": text})

    def _more(self, ask: Ask) -> Answer:
        wish = ask.request.header(b"sforce-query-options")
        return Answer(200, self.face.queries.further(ask.params["locator"], version_of(ask.params["version"]), wish))

    def _search(self, ask: Ask) -> Answer:
        return Answer(200, self.face.queries.search(dict(ask.query).get("q", ""), version_of(ask.params["version"])))

    def _search_parameters(self, ask: Ask) -> Answer:
        asked = dict(ask.query)
        wanted = [
            (name, asked.get(f"{name}.fields") or asked.get("fields") or "Id", "")
            for key, name in ask.query
            if key == "sobject"
        ]
        return self._searched(
            ask, asked.get("q", ""), asked.get("in", "ALL"), wanted, int(asked.get("overallLimit", "2000"))
        )

    def _search_body(self, ask: Ask) -> Answer:
        body = shapes.an_object(ask.body)
        shared = shapes.texts(body.get("fields"), "fields") or ["Id"]
        wanted = [
            (
                str(each.get("name", "")),
                ", ".join(shapes.texts(each.get("fields"), "fields") or shared),
                (f"WHERE {each['where']} " if each.get("where") else "")
                + (f"LIMIT {shapes.whole(each['limit'], 'limit')}" if "limit" in each else ""),
            )
            for each in shapes.objects(body, "sobjects")
        ]
        most = shapes.whole(body.get("overallLimit", 2000), "overallLimit")
        return self._searched(ask, str(body.get("q", "")), str(body.get("in", "ALL")), wanted, most)

    def _searched(self, ask: Ask, words: str, where: str, wanted: list[tuple[str, str, str]], limit: int) -> Answer:
        wanted = wanted or [(name, "Id", "") for name in ("Account", "Contact", "Opportunity")]
        found = self.face.queries.records(words, where.upper(), wanted, limit, version_of(ask.params["version"]))
        return Answer(200, {"searchRecords": found})

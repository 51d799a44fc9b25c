"""Salesforce's API: its routes, how a call is read and answered."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

import orjson

from counterfoil_mocks.crm.salesforce import asking, describe, errors, outbound, several, soap
from counterfoil_mocks.crm.salesforce.asking import Queries
from counterfoil_mocks.crm.salesforce.auth import Sessions
from counterfoil_mocks.crm.salesforce.bulk import Bulk
from counterfoil_mocks.crm.salesforce.desk import VENDOR, Desk, dumped
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import id_style, is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SField, SObject
from counterfoil_mocks.crm.salesforce.reader import Reader
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.crm.salesforce.streaming import Streaming
from counterfoil_mocks.crm.salesforce.views import OBJECTS, Catalog, Org
from counterfoil_mocks.kernel import clock, pages
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.face import Face, Rendered, Request, as_bytes
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.ids import IdStyle
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.system import Origin
from counterfoil_mocks.kernel.tx import Tx

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.system import System

JSON = (b"content-type", b"application/json;charset=UTF-8")
VERSIONS = tuple(range(38, 67))
SEASONS = ("Spring", "Summer", "Winter")
DATA = "/services/data/{version}"
DAILY = 15_000
WORTH_PACKING = 4096
LIMITS = (
    "DailyBulkV2QueryJobs",
    "DailyBulkApiBatches",
    "DailyStreamingApiEvents",
    "DataStorageMB",
    "FileStorageMB",
    "HourlyODataCallout",
)
EMPTY = {"recent": [], "tabs": [], "theme": {"themeItems": []}, "actions": [], "appMenu": [], "quickActions": []}
PREFIXES = {each.prefix: each for each in OBJECTS.values()}
NOBODY = Origin("schedule", "system")
Run = Callable[[Ask], Answer]


def label_of(version: int) -> str:
    """The release that brought an API version."""
    season = SEASONS[(version - 48) % 3]
    year = 20 + (version - 48) // 3 + (1 if season == "Winter" else 0)
    return f"{season} '{year}"


class SalesforceFace(Face):
    """Salesforce in front of a CRM."""

    vendor = VENDOR
    body_limit = 160 * 1024 * 1024
    retry_seconds = outbound.RETRY_SECONDS
    most_failures = 1_000_000

    def __init__(self, system: System) -> None:
        self.org = Org(system)
        self.catalog = Catalog(system, self.org)
        self.reader = Reader(system.store, self.catalog, self.url_of)
        self.changing: Desk | None = None
        self.hidden: Callable[[Record], bool] | None = None
        self.calls = 0
        self._legal_entity = ""
        self.system = system
        self.sessions = Sessions(self)
        self.queries = Queries(self)
        self.bulk = Bulk(self)
        self.streaming = Streaming(self)
        super().__init__(system)

    @property
    def id_style(self) -> IdStyle:
        return id_style

    def credentials(self, url: str) -> dict[str, str]:
        return self.sessions.credentials(url)

    def furnish(self) -> None:
        """The standard price book, and the firm's service items as products in it."""
        entity = self.system.role.by_name["vendor_object"]
        with Tx(self.system, NOBODY) as tx:
            book = {"IsStandard": True, "IsActive": True}
            tx.insert(
                entity,
                {
                    "id": self.org.standard_book,
                    "vendor": VENDOR,
                    "kind": "Pricebook2",
                    "name": "Standard Price Book",
                    "custom": book,
                },
            )
        sold = self.system.store.rows(
            "SELECT DISTINCT service_item AS code FROM crm.quote_line WHERE system = ? AND service_item IS NOT NULL ORDER BY 1",
            (self.system.name,),
        )
        desk = Desk(self, NOBODY)
        for row in sold:
            name = str(row["code"]).replace("-", " ").title()
            given = {
                "Name": name,
                "ProductCode": row["code"],
                "IsActive": True,
                "Family": "Services",
                "Service_Item_Code__c": row["code"],
            }
            product = desk.create(OBJECTS["product2"], given)
            entry = {"Pricebook2Id": self.org.standard_book, "Product2Id": product, "UnitPrice": 1, "IsActive": True}
            desk.create(OBJECTS["pricebookentry"], entry)

    # what others ask of it

    def url_of(self, version: str, name: str, record_id: str) -> str:
        """Where a record is."""
        return f"/services/data/v{version}/sobjects/{name}/{record_id}"

    def object_of(self, record_id: str) -> SObject | None:
        """The object that an id is of."""
        return PREFIXES.get(record_id[:3])

    def check_user(self, each: SObject, one: SField, user: str) -> None:
        """Whether there is such a user; raises Refused."""
        if not any(person["id"] == user for person in self.org.people):
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])

    def check_active(self, each: SObject, user: str) -> None:
        """Whether a user may own records; raises Refused."""
        person = next((person for person in self.org.people if person["id"] == user), None)
        if person is not None and not person["IsActive"]:
            message = f"operation performed with inactive user [{user}] as owner of {each.name.lower()}"
            raise Refused(400, "INACTIVE_OWNER_OR_USER", message, ["OwnerId"])

    def legal_entity(self) -> str:
        """The company that sells where nobody says: the one with most deals."""
        if not self._legal_entity:
            rows = self.system.store.rows(
                "SELECT legal_entity FROM crm.opportunity WHERE system = ? GROUP BY legal_entity ORDER BY count(*) DESC LIMIT 1",
                (self.system.name,),
            )
            self._legal_entity = str(
                self.system.settings.get("legal_entity") or (rows[0]["legal_entity"] if rows else "US01")
            )
        return self._legal_entity

    def desk(self, ask: Ask, headers: Mapping[str, str] | None = None) -> Desk:
        """The desk of a call."""
        request: Request = ask.request

        def header(name: str) -> str:
            if headers is not None:
                return next((value for key, value in headers.items() if key.lower() == name), "")
            return request.header(name.encode()) or ""

        rule = header("sforce-duplicate-rule-header").replace(" ", "").lower()
        client = re.search(r"client=([^,;]+)", header("sforce-call-options"))
        origin = ask.origin if ask.operation.write else self.origin(request, ask.operation)
        return Desk(
            self,
            origin,
            _version(ask.params.get("version", "59.0")),
            "allowsave=true" in rule,
            "includerecorddetails=true" in rule,
            client[1] if client else "",
        )

    # reading a call

    def name(self, request: Request) -> None:
        method = (
            dict(parse_qsl(request.query.decode("latin-1"))).get("_HttpMethod")
            if b"_HttpMethod" in request.query
            else None
        )
        if method and request.method == "POST":
            request.method = method.upper()
        super().name(request)
        _unblank(request)
        if request.method == "HEAD" and request.operation is None and request.allowed:
            found = self.paths.find(request.path)
            request.operation = found.methods.get("GET") if found else None
        version = request.params.get("version", "")
        if version and request.path.startswith(b"/services/data/") and not _known(version):
            request.operation = None

    def record(self, entity: Entity, named: str) -> Record | None:
        return super().record(entity, long_id(named))

    def business_key(self, request: Request, operation: Operation) -> str | None:
        each = OBJECTS.get(request.params.get("object", "").lower())
        if each is None or not each.entity:
            return None
        named = request.params.get("id") or request.params.get("value")
        if named is not None and is_id(named):
            record = self.record(self.system.role.by_name[each.entity], named)
            return named if record is None else record["key"] or record["id"]
        if named is not None:
            return named
        return self.key_in_body(request, operation, self.system.role.by_name[each.entity])

    def key_in_body(self, request: Request, operation: Operation, entity: Entity) -> str | None:
        try:
            said = orjson.loads(request.body) if request.body else None
        except orjson.JSONDecodeError:
            return None
        if not isinstance(said, dict):
            return None
        each = OBJECTS.get(request.params.get("object", "").lower())
        names = [one.name for one in each.external_ids] if each is not None else []
        return next((str(said[name]) for name in (*names, "Name", "LastName") if said.get(name)), None)

    def authenticate(self, request: Request) -> Grant:
        self.calls += 1
        return self.sessions.check(request)

    def revoke(self, grant: Grant) -> None:
        if grant.token != self.sessions.ready:
            self.sessions.end(grant.token)

    def unknown(self, request: Request) -> Problem:
        version = request.params.get("version", "")
        if request.allowed and (not version or _known(version)):
            offered = [
                each
                for each in request.allowed
                if each != "POST" or "id" not in request.params or "value" in request.params
            ]
            allowed = ",".join(
                sorted(
                    {*offered, *(("HEAD",) if "GET" in offered else ())},
                    key=["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"].index,
                )
            )
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
            return Refused(405, "METHOD_NOT_ALLOWED", message, headers=[("Allow", allowed)])
        return errors.not_found()

    def parsed(self, request: Request, operation: Operation) -> Any:
        if operation.kind != "json":
            return request.body
        media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if request.body and media and not media.endswith("json"):
            message = f"Content-Type header specified in HTTP request is not supported: {media}"
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", message)
        try:
            return orjson.loads(request.body) if request.body else {}
        except orjson.JSONDecodeError as error:
            message = (
                f"Unexpected character or end of input ({error.msg}) at [line:{error.lineno}, column:{error.colno}]"
            )
            raise Refused(400, "JSON_PARSER_ERROR", message) from None

    def answer(self, request: Request, operation: Operation) -> Answer:
        exchange = request.exchange
        self.hidden = exchange.hidden if exchange is not None else None
        try:
            return super().answer(request, operation)
        finally:
            self.hidden = None

    def inner(
        self, desk: Desk, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, Mapping[str, str]]:
        """One call within another: status, payload, headers."""
        path, query = several.path_of(url)
        found = self.paths.find(path)
        operation = found.methods.get(method.upper()) if found is not None else None
        if (
            found is None
            or operation is None
            or operation.kind == "outer"
            or operation.public
            or not path.startswith(b"/services/data/")
        ):
            refused = (
                errors.not_found()
                if found is None or operation is None
                else Refused(400, "INVALID_REQUEST", "This call cannot be part of another.")
            )
            return refused.status, refused.listed(), {}
        scope = {
            "method": method.upper(),
            "raw_path": path,
            "path": path.decode(),
            "query_string": query,
            "headers": [],
            "type": "http",
        }
        request = Request(scope, desk.origin.journal_seq or 0)
        request.params, request.operation, request.subject = found.params, operation, found.params.get("id", "")
        _unblank(request)
        request.headers = {name.lower().encode(): str(value).encode() for name, value in headers.items()}
        ask = Ask(self.system, desk.origin, operation, request.subject, body if body is not None else {})
        ask.request, ask.params = request, request.params
        if query:
            ask.query = pages.parsed(query)
        outer, self._inner = getattr(self, "_inner", None), desk
        try:
            answer = operation.run(ask)
            return answer.status, answer.payload, {name.title(): value for name, value in answer.headers}
        except Problem as problem:
            refused = errors.of(problem)
            return refused.status, refused.body if refused.body is not None else refused.listed(), {}
        finally:
            self._inner = outer

    _inner: Desk | None = None

    def at(self, ask: Ask) -> Desk:
        """The desk of a call; of the call around it where there is one."""
        outer = self._inner
        if outer is None:
            desk = self.desk(ask)
        else:
            desk = Desk(
                self,
                outer.origin,
                outer.version,
                outer.save_duplicates,
                outer.details,
                outer.client,
                outer.locked,
                outer._tx,
            )
            rule = (ask.request.header(b"sforce-duplicate-rule-header") or "").lower().replace(" ", "")
            desk.save_duplicates = desk.save_duplicates or "allowsave=true" in rule
        return desk

    # answering

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        own = as_bytes(answer.headers)
        headers = [(b"sforce-limit-info", f"api-usage={min(self.calls, self.daily)}/{self.daily}".encode()), *own]
        if isinstance(answer.payload, Raw):
            body = bytes(answer.payload)
        elif answer.payload is None:
            return Rendered(answer.status, headers, b"")
        else:
            body = dumped(answer.payload)
            if not any(name == b"content-type" for name, _ in own):
                headers.append(JSON)
        if len(body) >= WORTH_PACKING and b"gzip" in request.headers.get(b"accept-encoding", b""):
            headers.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, 1, mtime=0)
        return Rendered(answer.status, headers, body)

    def refused(self, request: Request, problem: Problem) -> Rendered:
        refused = errors.of(problem)
        headers = [(b"sforce-limit-info", f"api-usage={min(self.calls, self.daily)}/{self.daily}".encode())]
        headers += as_bytes([each for each in refused.headers if each[0].lower() != "retry-after"])
        if refused.status in (304, 412):
            return Rendered(refused.status, headers, b"")
        body = refused.listed() if refused.body is None else refused.body
        return Rendered(refused.status, [*headers, JSON], dumped(body))

    @property
    def daily(self) -> int:
        """Calls that a day has."""
        limits = self.system.settings.get("limits") or {}
        return int(limits.get("daily") or DAILY)

    # routes

    def operations(self) -> Iterable[Operation]:
        yield from self._signing_in()
        yield from self._resources()
        yield from self._records()
        yield from self._several()
        yield from self.bulk.operations()
        yield from self.streaming.operations()

    def _signing_in(self) -> Iterable[Operation]:
        sessions = self.sessions

        def public(name: str, method: str, path: str, run: Run, summary: str) -> Operation:
            return Operation(name, method, path, run, summary, public=True, secret=True)

        yield public(
            "token",
            "POST",
            "/services/oauth2/token",
            lambda ask: sessions.token(ask.request, self.base(ask.request)),
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
                    lambda ask: soap.answer(self, ask),
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
                lambda ask: Answer(200, sessions.user_info(self.base(ask.request))),
                "Who am I",
            )
        yield public("identity", "GET", "/id/{org}/{user}", self._identity, "Who am I")
        yield public("versions", "GET", "/services/data", self._versions, "The versions of the API")

    def _identity(self, ask: Ask) -> Answer:
        token = dict(ask.query).get("oauth_token")
        if token:
            self.sessions.session(token)
        else:
            self.sessions.check(ask.request)
        if long_id(ask.params["org"]) != self.org.id or long_id(ask.params["user"]) != self.org.user:
            raise errors.not_found()
        identity = self.sessions.identity(self.base(ask.request))
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
        for name, payload in EMPTY.items():
            yield read(name, f"/{name}", lambda ask, shown=payload: Answer(200, shown), "Nothing")  # type: ignore[misc]
        yield read("listviews", "/sobjects/{object}/listviews", self._list_views, "Nothing")
        yield read("object_actions", "/sobjects/{object}/quickActions", lambda ask: Answer(200, []), "Nothing")
        yield read(
            "layouts",
            "/sobjects/{object}/describe/layouts",
            lambda ask: Answer(200, {"layouts": [], "recordTypeMappings": []}),
            "Nothing",
        )
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
        shown["identity"] = f"{self.base(ask.request)}/id/{self.org.id}/{self.org.user}"
        return Answer(200, shown)

    def _limits(self, ask: Ask) -> Answer:
        shown = {"DailyApiRequests": {"Max": self.daily, "Remaining": max(0, self.daily - self.calls)}}
        shown |= {name: {"Max": 10_000, "Remaining": 10_000} for name in LIMITS}
        return Answer(200, shown)

    def _global(self, ask: Ask) -> Answer:
        root = self._root(ask)
        shown = [describe.entry(each, root) for each in OBJECTS.values()]
        return Answer(
            200,
            {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sorted(shown, key=lambda each: str(each["name"]))},
        )

    def _basic(self, ask: Ask) -> Answer:
        each = self.at(ask).object(ask.params["object"])
        return Answer(200, {"objectDescribe": describe.entry(each, self._root(ask)), "recentItems": []})

    def _describe(self, ask: Ask) -> Answer:
        each = self.at(ask).object(ask.params["object"])
        if ask.request.header(b"if-modified-since"):
            return Answer(304, None)
        return Answer(200, describe.described(each, self._root(ask)))

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
        return Answer(200, self.queries.first(asked["q"], _version(ask.params["version"]), wish, deleted=deleted))

    def _query_all(self, ask: Ask) -> Answer:
        return self._query(ask, deleted=True)

    def _explained(self, text: str) -> Answer:
        answer = self.queries.answer(text)
        kind = answer.plan.view.name
        plan = {
            "cardinality": answer.total,
            "fields": [],
            "leadingOperationType": "TableScan",
            "notes": [],
            "relativeCost": 1.0,
            "sobjectCardinality": self.queries.answer(f"SELECT COUNT() FROM {kind}").total,
            "sobjectType": kind,
        }
        return Answer(200, {"plans": [plan], "sourceQuery": text})

    def _more(self, ask: Ask) -> Answer:
        wish = ask.request.header(b"sforce-query-options")
        return Answer(200, self.queries.further(ask.params["locator"], _version(ask.params["version"]), wish))

    def _search(self, ask: Ask) -> Answer:
        return Answer(200, self.queries.search(dict(ask.query).get("q", ""), _version(ask.params["version"])))

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
        body = ask.body
        wanted = [
            (
                each["name"],
                ", ".join(each.get("fields") or body.get("fields") or ["Id"]),
                f"WHERE {each['where']}" if each.get("where") else "",
            )
            for each in body.get("sobjects") or []
        ]
        return self._searched(
            ask, str(body.get("q", "")), str(body.get("in", "ALL")), wanted, int(body.get("overallLimit", 2000))
        )

    def _searched(self, ask: Ask, words: str, where: str, wanted: list[tuple[str, str, str]], limit: int) -> Answer:
        wanted = wanted or [(name, "Id", "") for name in ("Account", "Contact", "Opportunity")]
        found = self.queries.records(words, where.upper(), wanted, limit, _version(ask.params["version"]))
        return Answer(200, {"searchRecords": found})

    # records

    def _records(self) -> Iterable[Operation]:
        base = DATA + "/sobjects/{object}"

        def write(name: str, method: str, path: str, run: Run, summary: str) -> Operation:
            return Operation(name, method, path, run, summary, write=True, kind="json")

        yield write("create_record", "POST", base, self._create, "Make a record")
        yield Operation("updated_records", "GET", base + "/updated", self._updated, "Ids of records that were changed")
        yield Operation("deleted_records", "GET", base + "/deleted", self._deleted, "Ids of records that were deleted")
        yield Operation("get_record", "GET", base + "/{id}", self._get, "A record")
        yield write("update_record", "PATCH", base + "/{id}", self._patch, "Change a record")
        yield write("create_record", "POST", base + "/{id}", self._create_by, "Make a record without an external id")
        yield write("delete_record", "DELETE", base + "/{id}", self._delete, "Put a record into the bin")
        yield Operation(
            "get_record",
            "GET",
            base + "/{field}/{value}",
            self._get_by,
            "A record by external id, or what is related to a record",
        )
        yield write(
            "upsert_record", "PATCH", base + "/{field}/{value}", self._upsert, "Make or change a record by external id"
        )
        yield write(
            "delete_record",
            "DELETE",
            base + "/{field}/{value}",
            self._delete_by,
            "Put a record by external id into the bin",
        )

    def _create(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        several.failed_by_plan(desk, 0, ask.fail_item)
        if each.name.endswith("__e"):
            return Answer(201, self.streaming.publish(desk, each, ask.body))
        record_id = desk.create(each, ask.body)
        return self._made(desk, each, record_id)

    def _made(self, desk: Desk, each: SObject, record_id: str, **more: Any) -> Answer:
        key = (desk.raw(each, record_id) or {}).get("key")
        headers = (("location", self.url_of(desk.version, each.name, record_id)),)
        return Answer(201, {"id": record_id, "success": True, "errors": [], **more}, key, headers=headers)

    def _create_by(self, ask: Ask) -> Answer:
        if ask.params["id"].lower() != "id":
            raise Refused(
                405, "METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are HEAD,GET,PATCH,DELETE"
            )
        return self._create(ask)

    def _get(self, ask: Ask) -> Answer:
        version = ask.params["version"][1:]
        each = OBJECTS.get(ask.params["object"].lower())
        if each is None:
            raise errors.not_found()
        names = dict(ask.query).get("fields") if ask.request.query else None
        record = self.reader.get(each, ask.params["id"], version, names.split(",") if names else None)
        since = ask.request.header(b"if-modified-since")
        if since and not _later(record.get("LastModifiedDate"), since):
            return Answer(304, None)
        if each.name != "Account" or names:
            return Answer(200, record)
        tag = _tag(record)
        known = ask.request.header(b"if-none-match")
        if known is not None and tag in known:
            return Answer(304, None, headers=(("etag", tag),))
        return Answer(200, record, headers=(("etag", tag),))

    def _patch(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        if ask.params["id"].lower() == "id":
            raise Refused(405, "METHOD_NOT_ALLOWED", "HTTP Method 'PATCH' not allowed. Allowed are POST")
        since = ask.request.header(b"if-unmodified-since")
        if since and _later(desk.shown(each, ask.params["id"])["LastModifiedDate"], since):
            raise Refused(412, "PRECONDITION_FAILED", "The record has been modified.")
        wanted = ask.request.header(b"if-match")
        if wanted is not None and each.name == "Account" and _tag(desk.shown(each, ask.params["id"])) not in wanted:
            raise Refused(412, "PRECONDITION_FAILED", "The record has been modified.")
        desk.update(each, ask.params["id"], ask.body)
        return Answer(204, None)

    def _delete(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        desk.delete(desk.object(ask.params["object"]), ask.params["id"])
        return Answer(204, None)

    def _found(self, desk: Desk, each: SObject, ask: Ask) -> str:
        one = desk.external_field(each, ask.params["field"])
        found = [ask.params["value"]] if one.name == "Id" else desk.by_field(each, one, ask.params["value"])
        if not found:
            raise errors.not_found()
        if len(found) > 1:
            raise desk.several(each, found)
        return found[0]

    def _get_by(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        if is_id(ask.params["field"]) and ask.params["field"].lower() not in each.by_name:
            return self._related(desk, each, ask)
        names = dict(ask.query).get("fields")
        return Answer(200, desk.shown(each, self._found(desk, each, ask), names.split(",") if names else None))

    def _related(self, desk: Desk, each: SObject, ask: Ask) -> Answer:
        record_id, relation = long_id(ask.params["field"]), ask.params["value"]
        record = desk.shown(each, record_id)
        names = (dict(ask.query).get("fields") or "").split(",")
        one = each.by_relation.get(relation.lower())
        if one is not None:
            parent = self.object_of(record[one.name] or "")
            if parent is None:
                raise errors.not_found()
            return Answer(200, desk.shown(parent, record[one.name], names if names != [""] else None))
        view = self.catalog.find(each.name)
        way = None if view is None else view.by_child.get(relation.lower())
        if way is None:
            raise errors.not_found()
        child = OBJECTS[way.view.lower()]
        fields = ", ".join(names) if names != [""] else ", ".join(one.name for one in child.fields)
        query = f"SELECT {fields} FROM {way.view} WHERE {way.by} = {asking.plain(record_id)}"
        return Answer(200, self.queries.first(query, desk.version, None))

    def _upsert(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        one = desk.external_field(each, ask.params["field"])
        several.failed_by_plan(desk, 0, ask.fail_item)
        record_id, created = desk.upsert(each, one, ask.params["value"], ask.body)
        told = {"created": created} if float(desk.version) >= 46 else {}
        if created:
            return self._made(desk, each, record_id, **told)
        if not told:
            return Answer(204, None)
        return Answer(200, {"id": record_id, "success": True, "errors": [], **told})

    def _delete_by(self, ask: Ask) -> Answer:
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        desk.delete(each, self._found(desk, each, ask))
        return Answer(204, None)

    def _span(self, ask: Ask) -> tuple[str, str]:
        asked = dict(ask.query)
        try:
            start, end = (clock.render(clock.parse(_moment(asked[name]))) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise Refused(400, "INVALID_REPLICATION_DATE", "start and end are date-times in ISO 8601") from None
        now = self.system.clock.now
        if start >= end:
            raise Refused(400, "INVALID_REPLICATION_DATE", "endDate before startDate")
        if clock.later(start, minutes=1) > end:
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate and endDate must be at least one minute apart")
        if start < clock.later(now, days=-30):
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, min(end, clock.later(now, seconds=1))

    def _updated(self, ask: Ask) -> Answer:
        start, end = self._span(ask)
        rows = self._changed(ask, "updated_at", start, end, deleted=False)
        return Answer(200, {"ids": [row["id"] for row in rows], "latestDateCovered": _offset(end)})

    def _deleted(self, ask: Ask) -> Answer:
        start, end = self._span(ask)
        rows = self._changed(ask, "deleted_at", start, end, deleted=True)
        shown = [{"id": row["id"], "deletedDate": _offset(row["at"])} for row in rows]
        earliest = _offset(clock.later(self.system.clock.now, days=-15))
        return Answer(
            200, {"deletedRecords": shown, "earliestDateAvailable": earliest, "latestDateCovered": _offset(end)}
        )

    def _changed(self, ask: Ask, column: str, start: str, end: str, *, deleted: bool) -> list[Record]:
        each = self.at(ask).object(ask.params["object"])
        if not each.entity:
            raise Refused(400, "INVALID_REPLICATION_DATE", f"{each.name} is not replicateable")
        kind = "AND kind = :kind" if each.entity == "vendor_object" else ""
        there = "deleted_at IS NOT NULL" if deleted else "deleted_at IS NULL"
        return self.system.store.rows(
            f"SELECT id, {column} AS at FROM crm.{each.entity} WHERE system = :system AND {there} {kind}"
            f" AND {column} >= :start AND {column} < :end ORDER BY {column}, id",
            {"system": self.system.name, "kind": each.name, "start": start, "end": end},
        )

    # several at once

    def _several(self) -> Iterable[Operation]:
        base = DATA + "/composite"

        def write(name: str, method: str, path: str, run: Run, summary: str, kind: str = "json") -> Operation:
            return Operation(name, method, base + path, run, summary, write=True, kind=kind)

        yield write(
            "composite",
            "POST",
            "",
            lambda ask: several.composite(self, self.desk(ask), self._json(ask)),
            "Several calls",
            "outer",
        )
        yield write(
            "composite_batch",
            "POST",
            "/batch",
            lambda ask: several.batch(self, self.desk(ask), self._json(ask)),
            "Several calls",
            "outer",
        )
        yield write("composite_graph", "POST", "/graph", self._graphs, "Graphs of calls", "outer")
        yield write("create_records", "POST", "/sobjects", self._create_all, "Make records")
        yield write("update_records", "PATCH", "/sobjects", self._update_all, "Change records")
        yield write("delete_records", "DELETE", "/sobjects", self._delete_all, "Put records into the bin")
        yield write(
            "upsert_records",
            "PATCH",
            "/sobjects/{object}/{field}",
            self._upsert_all,
            "Make or change records by external id",
        )
        yield Operation("get_records", "GET", base + "/sobjects/{object}", self._get_all, "Records")
        yield Operation("get_records", "POST", base + "/sobjects/{object}", self._get_all, "Records", kind="json")
        yield write(
            "create_tree",
            "POST",
            "/tree/{object}",
            lambda ask: several.tree(self.at(ask), ask.params["object"], ask.body),
            "Make records with children",
        )

    def _json(self, ask: Ask) -> Any:
        try:
            return orjson.loads(ask.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise Refused(
                400, "JSON_PARSER_ERROR", f"Unexpected character at [line:{error.lineno}, column:{error.colno}]"
            ) from None

    def _graphs(self, ask: Ask) -> Answer:
        desk, shown = self.desk(ask), []
        for graph in self._json(ask).get("graphs") or []:
            answer = several.composite(
                self, desk, {"compositeRequest": graph.get("compositeRequest"), "allOrNone": True}
            ).payload
            good = all(each["httpStatusCode"] < 400 for each in answer["compositeResponse"])
            shown.append({"graphId": graph.get("graphId"), "graphResponse": answer, "isSuccessful": good})
        return Answer(200, {"graphs": shown})

    def _rows(self, ask: Ask) -> tuple[Desk, Any, bool]:
        body = ask.body if isinstance(ask.body, dict) else {}
        return self.at(ask), body.get("records"), bool(body.get("allOrNone"))

    def _create_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            return {"id": desk.create(several.type_of(desk, item), item), "success": True, "errors": []}

        return Answer(200, several.rows(desk, items, together, one))

    def _update_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            record_id = several.id_of(item)
            desk.update(several.type_of(desk, item), record_id, several.without_id(item))
            return {"id": record_id, "success": True, "errors": []}

        return Answer(200, several.rows(desk, items, together, one))

    def _upsert_all(self, ask: Ask) -> Answer:
        desk, items, together = self._rows(ask)
        each = desk.object(ask.params["object"])
        field = desk.external_field(each, ask.params["field"])

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            value = next((value for name, value in item.items() if name.lower() == field.name.lower()), None)
            if field.name == "Id":
                record_id, created = (
                    (desk.create(each, several.without_id(item)), True)
                    if not value
                    else desk.upsert(each, field, str(value), several.without_id(item))
                )
            else:
                record_id, created = desk.upsert(
                    each, field, "" if value is None else str(value), several.without_id(item)
                )
            return {"id": record_id, "success": True, "errors": [], "created": created}

        return Answer(200, several.rows(desk, items, together, one))

    def _delete_all(self, ask: Ask) -> Answer:
        asked = dict(ask.query)
        desk = self.at(ask)

        def one(at: int, item: Any) -> Record:
            several.failed_by_plan(desk, at, ask.fail_item)
            if not is_id(item):
                raise Refused(400, "MALFORMED_ID", f"malformed id {item}", ["Id"])
            each = self.object_of(item)
            if each is None or not each.entity:
                raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
            desk.delete(each, item)
            return {"id": long_id(item), "success": True, "errors": []}

        ids = [each for each in asked.get("ids", "").split(",") if each]
        return Answer(200, several.rows(desk, ids, asked.get("allOrNone", "").lower() == "true", one))

    def _get_all(self, ask: Ask) -> Answer:
        asked = dict(ask.query)
        body = ask.body if isinstance(ask.body, dict) else {}
        ids = body.get("ids") or [each for each in asked.get("ids", "").split(",") if each]
        fields = body.get("fields") or [each for each in asked.get("fields", "").split(",") if each]
        desk = self.at(ask)
        each = desk.object(ask.params["object"])
        if len(ids) > several.MOST_READ:
            raise Refused(
                400,
                "EXCEEDED_ID_LIMIT",
                f"record limit reached. cannot submit more than {several.MOST_READ} records into this call",
            )
        if not fields:
            raise Refused(400, "MISSING_ARGUMENT", "fields not specified")
        fields = [*fields, *([] if any(name.lower() == "id" for name in fields) else ["Id"])]
        shown = [self.reader.find(each, long_id(record_id), desk.version, fields) for record_id in ids]
        return Answer(200, [None if found is None or found[0] else found[1] for found in shown])

    # events

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        self.streaming.wrote(tx, touched)

    def subscribe(self, url: str, types: list[str], secret: str | None) -> Record:
        wanted = [each for each in types if each.startswith("outbound:")]
        others = [each for each in types if each not in wanted]
        made: Record = {}
        for each in wanted:
            made = outbound.subscribe(self, url, each, secret)
        return super().subscribe(url, others, secret) if others or not wanted else made

    def event_body(self, event: Record, subscription: Record) -> bytes:
        return outbound.body(self, event, subscription)

    def event_headers(
        self, event: Record, delivery_id: str, subscription: Record, body: bytes, *, bad_signature: bool = False
    ) -> dict[str, str]:
        return {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}

    def acknowledged(self, status: int, body: bytes) -> bool:
        return status == 200 and outbound.ACK.search(body) is not None


def _unblank(request: Request) -> None:
    """An external id in a path: a bare plus is a blank, as some clients encode it."""
    if b"+" in request.path and "value" in request.params:
        value = unquote_plus(request.path.rstrip(b"/").rsplit(b"/", 1)[1].decode("latin-1"))
        request.params = {**request.params, "value": value}


def _version(said: str) -> str:
    return said.removeprefix("v")


def _known(said: str) -> bool:
    return re.fullmatch(r"v\d\d\.0", said) is not None and int(said[1:3]) in VERSIONS


def _tag(record: Record) -> str:
    """The ETag of a record."""
    return f'"{zlib.crc32(dumped(record)):08x}"'


def _offset(instant: str) -> str:
    return f"{instant[:-1]}+0000"


def _moment(text: str) -> str:
    """An ISO instant out of a query string, where a plus may have become a blank."""
    text = text.strip().replace(" ", "+")
    return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)


def _later(shown: str | None, header: str) -> bool:
    """Whether a record's time is later than an HTTP date says; raises Refused 400."""
    try:
        wanted = parsedate_to_datetime(header)
    except ValueError:
        raise Refused(400, "INVALID_REQUEST", f"{header} is no HTTP date") from None
    return bool(shown) and clock.parse(str(shown).replace("+0000", "Z")) > wanted


FACE = SalesforceFace

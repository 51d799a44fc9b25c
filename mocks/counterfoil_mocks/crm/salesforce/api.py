"""Salesforce's API: its routes, how a call is read and answered."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from counterfoil_mocks.crm.salesforce import batches, declared, errors, outbound, several
from counterfoil_mocks.crm.salesforce.asking import Queries
from counterfoil_mocks.crm.salesforce.auth import Sessions
from counterfoil_mocks.crm.salesforce.batches import Batches
from counterfoil_mocks.crm.salesforce.bulk import Bulk
from counterfoil_mocks.crm.salesforce.desk import VENDOR, Desk, dumped
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.crm.salesforce.ids import id_style, is_id, long_id
from counterfoil_mocks.crm.salesforce.objects import SField, SObject
from counterfoil_mocks.crm.salesforce.reader import Reader
from counterfoil_mocks.crm.salesforce.record_routes import Records
from counterfoil_mocks.crm.salesforce.resource_routes import Resources
from counterfoil_mocks.crm.salesforce.several_routes import Several
from counterfoil_mocks.crm.salesforce.soap import Raw
from counterfoil_mocks.crm.salesforce.spelling import is_version, unblank, unpacked, version_of
from counterfoil_mocks.crm.salesforce.streaming import Streaming
from counterfoil_mocks.crm.salesforce.views import OBJECTS, Catalog, Org
from counterfoil_mocks.kernel import pages
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.customs import Customs, of_settings
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
DAILY = 15_000
LONGEST_URL = 16_384
WORTH_PACKING = 4096
NOBODY = Origin("schedule", "system")


class SalesforceFace(Face):
    """Salesforce in front of a CRM."""

    vendor = VENDOR
    settings = (
        "username",
        "password",
        "security_token",
        "consumer_key",
        "consumer_secret",
        "refresh_token",
        "password_expired",
        "legal_entity",
        "child_page",
        "shuffle",
        "duplicates",
    )
    hosts = ("*.salesforce.com", "*.force.com")
    body_limit = 160 * 1024 * 1024
    retry_seconds = outbound.RETRY_SECONDS
    most_failures = 1_000_000

    def __init__(self, system: System) -> None:
        self.org = Org(system)
        self.objects = declared.objects(of_settings(system.settings))
        self.by_prefix = {each.prefix: each for each in self.objects.values()}
        self.catalog = Catalog(system, self.org, self.objects)
        self.reader = Reader(system.store, self.catalog, self.url_of)
        self.changing: Desk | None = None
        self.hidden: Callable[[Record], bool] | None = None
        self._legal_entity = ""
        self.system = system
        self.sessions = Sessions(self)
        self.queries = Queries(self)
        self.bulk = Bulk(self)
        self.batches = Batches(self)
        self.streaming = Streaming(self)
        super().__init__(system)

    @property
    def id_style(self) -> IdStyle:
        return id_style

    @classmethod
    def declare(cls, customs: Customs) -> Mapping[str, SObject]:
        return declared.objects(customs)

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

    @property
    def within(self) -> bool:
        """Whether the call under way is part of another."""
        return self._inner is not None

    def object_of(self, record_id: str) -> SObject | None:
        """The object that an id is of."""
        return self.by_prefix.get(record_id[:3])

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
            version_of(ask.params.get("version", "59.0")),
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
        unblank(request)
        if request.headers.get(b"content-encoding", b"").lower() == b"gzip":
            request.body = unpacked(request.body, self.body_limit)
        if request.method == "HEAD" and request.operation is None and request.allowed:
            found = self.paths.find(request.path)
            request.operation = found.methods.get("GET") if found else None
        version = request.params.get("version", "")
        if version and request.path.startswith(b"/services/data/") and not is_version(version):
            request.operation = None

    def record(self, entity: Entity, named: str) -> Record | None:
        return super().record(entity, long_id(named))

    def same(self, request: Request, operation: Operation) -> str:
        each = self.objects.get(request.params.get("object", "").lower())
        verb = SAME.get(operation.name)
        if verb == "list":
            each = self.queries.asked_for(request)
        return f"{verb}_{each.entity}" if verb is not None and each is not None and each.entity else ""

    def business_key(self, request: Request, operation: Operation) -> str | None:
        each = self.objects.get(request.params.get("object", "").lower())
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
        each = self.objects.get(request.params.get("object", "").lower())
        names = [one.name for one in each.external_ids] if each is not None else []
        return next((str(said[name]) for name in (*names, "Name", "LastName") if said.get(name)), None)

    def authenticate(self, request: Request) -> Grant:
        if len(request.path) + len(request.query) > LONGEST_URL:
            raise Refused(414, "URI_TOO_LONG", f"URI Too Long: a URI has at most {LONGEST_URL} characters.")
        self.system.count_call()
        return self.sessions.check(request)

    def revoke(self, grant: Grant) -> None:
        if grant.token != self.sessions.ready:
            self.sessions.end(grant.token)

    def unknown(self, request: Request) -> Problem:
        version = request.params.get("version", "")
        if request.allowed and (not version or is_version(version)):
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
            message = f"Unexpected character ({error.msg}) at [line:{error.lineno}, column:{error.colno}]"
            raise Refused(400, "JSON_PARSER_ERROR", message) from None

    def answer(self, request: Request, operation: Operation) -> Answer:
        exchange = request.exchange
        self.hidden = exchange.hidden if exchange is not None else None
        try:
            return super().answer(request, operation)
        finally:
            self.hidden = None

    def place(self, request: Request) -> tuple[Hashable, ...]:
        headers = request.headers
        return *super().place(request), headers.get(b"if-modified-since"), headers.get(b"if-none-match")

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
        unblank(request)
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
        headers = [self.allowance(), *own]
        if isinstance(answer.payload, Raw):
            body = bytes(answer.payload)
        elif answer.payload is None:
            return Rendered(answer.status, headers, b"")
        else:
            body = self.dumped(answer.payload)
            if b"content-type" not in dict(own):
                headers.append(JSON)
        if len(body) >= WORTH_PACKING and b"gzip" in request.headers.get(b"accept-encoding", b""):
            headers.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, 1, mtime=0)
        return Rendered(answer.status, headers, body)

    def dumped(self, payload: Any) -> bytes:
        return dumped(payload)

    def refused(self, request: Request, problem: Problem) -> Rendered:
        refused = errors.of(problem, record_id=request.params.get("id", ""))
        headers = [self.allowance()]
        headers += as_bytes([each for each in refused.headers if each[0].lower() != "retry-after"])
        if request.path.startswith(batches.ROOT):
            status, text, media = batches.refused(request, refused)
            return Rendered(status, [*headers, (b"content-type", media.encode())], text)
        if refused.status in (304, 412):
            return Rendered(refused.status, headers, b"")
        body = refused.listed() if refused.body is None else refused.body
        return Rendered(refused.status, [*headers, JSON], dumped(body))

    def allowance(self) -> tuple[bytes, bytes]:
        """The header that tells how many of the day's calls are used."""
        daily = self.daily
        return b"sforce-limit-info", b"api-usage=%d/%d" % (min(self.system.calls, daily), daily)

    @property
    def daily(self) -> int:
        """Calls that a day has."""
        limits = self.system.settings.get("limits") or {}
        return int(limits.get("daily") or DAILY)

    # routes

    def operations(self) -> Iterable[Operation]:
        for routes in (Resources(self), Records(self), Several(self)):
            yield from routes.operations()
        yield from self.bulk.operations()
        yield from self.batches.operations()
        yield from self.streaming.operations()

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


SAME = {
    "get_record": "get",
    "create_record": "create",
    "update_record": "update",
    "delete_record": "delete",
    "query": "list",
    "query_all": "list",
    "query_more": "list",
}
"""What operations on single records, and queries, are called on the native face."""
FACE = SalesforceFace

"""Stripe's API: its routes, how a call is read and answered, and the objects that are nothing but their parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import orjson

from counterfoil_mocks.billing.stripe import (
    balances,
    clocks,
    credit_notes,
    customers,
    errors,
    events,
    expand,
    idempotency,
    invoices,
    lists,
    params,
    payments,
    previews,
    quotes,
    refunds,
    schedules,
    search,
    setups,
    subscription_changes,
    usage,
    versions,
    webhooks,
)
from counterfoil_mocks.billing.stripe.auth import API_VERSION, Keys
from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import alter, gone, make
from counterfoil_mocks.billing.stripe.ids import id_style
from counterfoil_mocks.billing.stripe.kind import Kind, kept
from counterfoil_mocks.billing.stripe.kinds import KINDS
from counterfoil_mocks.billing.stripe.vocabulary import EVENTS
from counterfoil_mocks.kernel import clock
from counterfoil_mocks.kernel.auth import Grant
from counterfoil_mocks.kernel.errors import Problem, StoreAway
from counterfoil_mocks.kernel.face import Face, Rendered, Request, as_bytes
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.ids import IdStyle
from counterfoil_mocks.kernel.kept import Kept
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.protocols import form

if TYPE_CHECKING:
    from counterfoil_mocks.kernel.tx import Tx

SPREAD = 0x5851F42D4C957F
"""An odd number that makes request ids of numbers in a row look like nothing of the kind."""
UNDER_WAY = 60
"""Seconds after which a request whose process was killed is under way no more."""
Handler = Callable[[Desk, str, Record], Any]
ROOMS: tuple[Any, ...] = (
    customers,
    balances,
    payments,
    setups,
    refunds,
    previews,
    invoices,
    credit_notes,
    subscription_changes,
    schedules,
    quotes,
    clocks,
    usage,
    webhooks,
)
"""Every module that has routes of its own."""
JSON = (b"content-type", b"application/json")


class StripeFace(Face):
    """Stripe in front of a billing engine."""

    vendor = "stripe"
    settings = (
        "api_key",
        "publishable_key",
        "account_id",
        "webhook_secret",
        "invoice_prefix",
        "account_name",
        "legal_entity",
        "tax_rounding",
    )
    hosts = ("api.stripe.com", "files.stripe.com", "connect.stripe.com", "meter-events.stripe.com")
    undeclared = "`metadata` takes any key at once"
    retry_seconds = events.RETRY_SECONDS
    event_types = EVENTS
    same_events = events.SAME
    most_failures = 1_000_000
    """Stripe tries each event for three days and never gives an endpoint up by itself while one listens again."""

    def __init__(self, system: Any) -> None:
        super().__init__(system)
        self.keys = Keys(system)
        self.request: Request | None = None
        self.running = Kept(system, "running", UNDER_WAY)
        """The idempotency keys of requests under way."""
        self._mine: dict[str, Request] = {}
        """Those of this process."""

    @property
    def id_style(self) -> IdStyle:
        return id_style

    def credentials(self, url: str) -> dict[str, str]:
        return self.keys.credentials()

    # reading a call

    def authenticate(self, request: Request) -> Grant:
        request.kept = f"req_{(request.seq * SPREAD + self.system.world.seed) % 16**14:014X}"
        grant = self.keys.check(request.headers.get(b"authorization"))
        versions.check(request.header(b"stripe-version"))
        account = request.header(b"stripe-account")
        if account not in (None, self.keys.account_id):
            raise errors.Refused(
                403,
                f"The provided key does not have access to account '{account}' (or that account does not exist)."
                " Application access may have been revoked.",
                code="account_invalid",
            )
        key = request.header(b"idempotency-key") if request.method == "POST" else None
        if key is not None:
            if not self.running.add(key, request.seq):
                raise errors.Refused(
                    409,
                    "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and"
                    f" the other request is still going through): {key}. Please try again later.",
                    code="idempotency_key_in_use",
                )
            self._mine[key] = request
        return grant

    def leave(self, request: Request) -> None:
        key = request.header(b"idempotency-key")
        if key is not None and self._mine.get(key) is request:
            del self._mine[key]
            with contextlib.suppress(StoreAway):
                self.running.take(key)

    def unknown(self, request: Request) -> Problem:
        path = request.path.decode("latin-1")
        return errors.Refused(
            404,
            f"Unrecognized request URL ({request.method}: {path}). Please see https://stripe.com/docs or we can help at"
            " https://support.stripe.com/.",
        )

    def answer(self, request: Request, operation: Operation) -> Answer:
        self.request = request
        try:
            return super().answer(request, operation)
        finally:
            self.request = None

    def place(self, request: Request) -> tuple[Hashable, ...]:
        return *super().place(request), request.headers.get(b"stripe-version")

    def parsed(self, request: Request, operation: Operation) -> Record:
        media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if request.body and media not in ("application/x-www-form-urlencoded", ""):
            raise errors.invalid(
                f"Invalid request (check that your POST content type is application/x-www-form-urlencoded). The content type was {media}."
            )
        said = {**form.decoded(request.query, filling=True), **form.decoded(request.body, filling=True)}
        return versions.heard(request.header(b"stripe-version"), operation.name, said)

    def ask(self, request: Request, operation: Operation) -> Ask:
        if not operation.body:
            request.parsed = form.decoded(request.query, filling=True)
        query, request.query = request.query, b""
        try:
            return super().ask(request, operation)
        finally:
            request.query = query

    def key_in_body(self, request: Request, operation: Operation, entity: Entity) -> str | None:
        said = form.decoded(request.body, filling=True).get("metadata")
        return entity.key_of(said) if isinstance(said, dict) else None

    # answering

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        version = request.headers.get(b"stripe-version", b"")
        version = version if versions.known(version.decode("latin-1")) else API_VERSION.encode()
        headers = [JSON, (b"request-id", str(request.kept).encode()), (b"stripe-version", version)]
        key = request.headers.get(b"idempotency-key")
        return [*headers, (b"idempotency-key", key)] if key is not None and request.method == "POST" else headers

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        headers = [*self._headers(request), *as_bytes(answer.headers)]
        if isinstance(answer.payload, bytes):
            return Rendered(answer.status, [(b"content-type", b"application/pdf"), *headers[1:]], answer.payload)
        return Rendered(answer.status, headers, self.dumped(answer.payload))

    def dumped(self, payload: Any) -> bytes:
        return orjson.dumps(payload, option=orjson.OPT_INDENT_2)

    def refused(self, request: Request, problem: Problem) -> Rendered:
        status, error = errors.error_of(problem)
        error["request_log_url"] = self.log_of(request)
        headers = [*self._headers(request), *as_bytes(problem.headers)]
        return Rendered(status, headers, self.dumped({"error": error}))

    def key_of(self, ask: Ask) -> str | None:
        """The idempotency key of a call; only POSTs have one."""
        key = ask.request.header(b"idempotency-key")
        return key if ask.request.method == "POST" else None

    def finished(self, ask: Ask, answer: Answer) -> Record:
        """The payload as it goes out: with what the caller wants expanded, in the words of the version that he speaks."""
        payload: Record = answer.payload
        body = ask.body if isinstance(ask.body, dict) else {}
        wanted = body.get("expand")
        desk = Desk(self)
        if versions.old(ask.request.header(b"stripe-version")):
            desk.tongue = lambda shown: versions.spoken(desk, shown)
            payload = desk.tongue(payload)
        if wanted and answer.status == 200:
            paths = [each for each in params.value([params.TEXT], wanted, "expand") if each]
            payload = expand.expanded(desk, deepcopy(payload), paths)
        return payload

    def looked(self, ask: Ask, payload: Record, key: str | None = None) -> Answer:
        """The answer to a question."""
        if not ask.body and b"stripe-version" not in ask.request.headers:
            return Answer(200, payload, key)
        return Answer(200, self.finished(ask, Answer(200, payload)), key)

    def log_of(self, request: Request) -> str:
        """Where Stripe would show the request."""
        return f"https://dashboard.stripe.com/test/logs/{request.kept}?t={int(clock.wall())}"

    # routes

    def post(
        self,
        name: str,
        path: str,
        spec: params.Spec,
        work: Handler,
        required: Sequence[str] = (),
        entity: str = "",
        *,
        method: str = "POST",
    ) -> Operation:
        """A route that does something: `work(desk, id, given)` returns the object to answer with."""

        def run(ask: Ask) -> Answer:
            def deed(desk: Desk) -> Any:
                desk.params = ask.params
                return work(desk, ask.subject, params.checked(spec, ask.body or {}, required))

            return self.do(ask, deed)

        return Operation(name, method, path, run, name, entity=self._entity(entity), write=True)

    def read(
        self, name: str, path: str, spec: params.Spec, work: Handler, required: Sequence[str] = (), entity: str = ""
    ) -> Operation:
        """A route that only looks: `work(desk, id, given)` returns what to answer with."""

        def run(ask: Ask) -> Answer:
            desk = Desk(self)
            desk.params = ask.params
            desk.hidden = ask.hidden
            return self.looked(ask, work(desk, ask.subject, params.checked(spec, ask.body or {}, required)))

        return Operation(name, "GET", path, run, name, entity=self._entity(entity))

    def _entity(self, name: str) -> Entity | None:
        return self.system.role.by_name[name] if name else None

    def operations(self) -> Iterable[Operation]:
        for kind in KINDS.values():
            if kind.path:
                yield from self._resource(kind)
        for module in ROOMS:
            yield from module.operations(self)

    def _resource(self, kind: Kind) -> Iterable[Operation]:
        """The plain routes of a kind: create, list, retrieve, update, delete."""
        entity = self.system.role.by_name[kind.map.entity]
        name = kind.operation or (entity.name if entity.name != "vendor_object" else kind.name.replace(".", "_"))
        rows: list[tuple[str, str, str, Callable[[Ask], Answer], bool]] = [
            ("list", "GET", kind.path, lambda ask: self.listing(kind, ask), False),
            ("get", "GET", f"{kind.path}/{{id}}", lambda ask: self.retrieve(kind, ask), False),
        ]
        if kind.create is not None:
            rows.append(("create", "POST", kind.path, lambda ask: self.create(kind, ask), True))
        if kind.create is not None or kind.update is not None:
            rows.append(("update", "POST", f"{kind.path}/{{id}}", lambda ask: self.update(kind, ask), True))
        if kind.deletable:
            rows.append(("delete", "DELETE", f"{kind.path}/{{id}}", lambda ask: self.delete(kind, ask), True))
        for verb, method, path, run, write in rows:
            known = None if entity.name == "vendor_object" else entity
            yield Operation(
                f"{verb}_{name}",
                method,
                path,
                run,
                f"{verb} {kind.noun}",
                entity=known,
                write=write,
                lasting=verb == "get",
            )
        if kind.searched:
            yield self.read(
                f"search_{name}",
                f"{kind.path}/search",
                params.SEARCHED,
                lambda desk, id, given: search.found(desk, kind, given),
                ("query",),
            )

    def do(self, ask: Ask, work: Callable[[Desk], Record | Answer]) -> Answer:
        """Do the work of a POST or DELETE as one deed, once for each idempotency key."""
        return idempotency.done(self, ask, work)

    # plain objects

    def create(self, kind: Kind, ask: Ask) -> Answer:
        """A new object."""
        given = params.checked(kind.create or {}, ask.body, kind.required)
        run = kind.made
        return self.do(ask, lambda desk: run(desk, given) if run else make(desk, kind, given))

    def update(self, kind: Kind, ask: Ask) -> Answer:
        """Some fields of an object changed."""
        return self.do(ask, lambda desk: self._updated(kind, ask, desk))

    def _updated(self, kind: Kind, ask: Ask, desk: Desk) -> Record:
        spec = kind.update if kind.update is not None else kind.create or {}
        params.known(spec, ask.body)
        before = desk.get(kind.name, ask.subject)
        given = params.checked(spec, ask.body)
        return kind.changed(desk, before, given) if kind.changed else alter(desk, kind, before, given)

    def delete(self, kind: Kind, ask: Ask) -> Answer:
        """An object deleted."""

        def work(desk: Desk) -> Record:
            params.checked({}, ask.body or {})
            found = desk.get(kind.name, ask.subject, param=kind.param)
            if kind.removed:
                kind.removed(desk, found)
            if desk.find(kind.name, ask.subject) is not None:
                desk.remove(kind.name, ask.subject)
            return gone(kind, ask.subject)

        return self.do(ask, work)

    def retrieve(self, kind: Kind, ask: Ask) -> Answer:
        """An object as it is."""
        if ask.body:
            params.checked({}, ask.body)
        record = self.system.table(kind.map.entity).by_id(self.system.name, ask.subject)
        where = kind.map.where
        if record is None or (where and any(record[name] != value for name, value in where.items())):
            raise errors.missing(kind.noun, ask.subject, param=kind.param)
        if kind.gone(record):
            if not kind.stub:
                raise errors.missing(kind.noun, ask.subject, param=kind.param)
            return Answer(200, gone(kind, ask.subject), record["key"])
        return self.looked(ask, kind.map.shown(record, self), record["key"])

    def listing(self, kind: Kind, ask: Ask) -> Answer:
        """A page of objects."""
        given = params.checked({**params.LISTED, **kind.filters}, ask.body or {})
        return self.looked(ask, lists.page(Desk(self), kind, given, path=kind.path, hidden=ask.hidden))

    # what maps compute

    def address_of(self, record: Record) -> Record | None:
        """The address of a customer: as it was given, else of the first site that invoices go to."""
        given = kept(record).get("address")
        if given is not None or "address" in kept(record):
            return given
        site = self._site(record)
        if site is None:
            return None
        street = [*site["lines"], None, None]
        return {
            "city": site["city"],
            "country": site["country"],
            "line1": street[0],
            "line2": street[1],
            "postal_code": site["postcode"],
            "state": site["region"],
        }

    def email_of(self, record: Record) -> str | None:
        """Where a customer's invoices are sent to."""
        own = kept(record)
        if "email" in own:
            return str(own["email"]) if own["email"] else None
        site = self._site(record)
        return None if site is None else site["email_invoices_to"]

    def prefix_of(self, record: Record) -> str:
        """What a customer's invoice numbers begin with."""
        return str(kept(record).get("invoice_prefix") or customers.prefix_of(record["id"]))

    @property
    def account_name(self) -> str:
        """The firm's name on its invoices."""
        return str(self.system.settings.get("account_name") or "Counterfoil Advisory")

    def of_customer(self, id: str, name: str) -> Any:
        """What an invoice says of its customer."""
        record = self.lookups.by_id("customer", id)
        if record is None:
            return None
        if name == "tax_ids":
            kind = KINDS["tax_id"]
            mine = {**kind.map.where, "owner": id}
            found = [kept(each) for each in self.lookups.select(kind.map.entity, mine, Desk.order(kind))]
            return [{"type": each["type"], "value": each["value"]} for each in found]
        return KINDS["customer"].map.value(KINDS["customer"].map.by_name[name], record, self)

    def page_of(self, invoice: str) -> str:
        """The hosted page of an invoice."""
        return f"https://invoice.stripe.com/i/{self.keys.account_id}/test_{invoice[3:]}"

    def tax_rate_of(self, code: str | None) -> str | None:
        """The tax rate that a tax code of the business is."""
        found = None if code is None else self.lookups.by_key("tax_code", code)
        return None if found is None else str(found["id"])

    def invoice_id_of(self, number: str) -> str | None:
        """The invoice with a number."""
        found = self.lookups.by_key("invoice", number)
        return None if found is None else str(found["id"])

    def _site(self, record: Record) -> Record | None:
        billed = {"customer": record["id"], "kind": ["BILL_TO", "BOTH"]}
        found = self.lookups.select("site", billed, ("created_at", "id"), 1)
        return found[0] if found else None

    # events

    def subscribe(self, url: str, types: list[str], secret: str | None) -> Record:
        return webhooks.subscribe(self, url, types or ["*"], secret or self.keys.webhook_secret)

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        events.announce(self, tx, touched)
        clocks.arm(self, tx, touched)

    def event_body(self, event: Record, subscription: Record) -> bytes:
        version = orjson.loads(subscription["settings"]).get("api_version")
        said = events.envelope(event, version, pending=1)
        if versions.old(version):
            said["data"]["object"] = versions.spoken(Desk(self), said["data"]["object"])
        return orjson.dumps(said, option=orjson.OPT_INDENT_2)

    def event_headers(
        self, event: Record, delivery_id: str, subscription: Record, body: bytes, *, bad_signature: bool = False
    ) -> dict[str, str]:
        return events.headers(subscription, body, bad_signature=bad_signature)


FACE = StripeFace

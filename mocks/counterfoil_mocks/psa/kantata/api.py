"""Kantata's REST API: its routes, how a call is read and answered, and what its objects ask the face for."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

import orjson

from counterfoil_mocks.kernel import ids
from counterfoil_mocks.kernel.auth import Grant, basic
from counterfoil_mocks.kernel.customs import Customs, of_settings
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.face import Face, Rendered, Request, as_bytes
from counterfoil_mocks.kernel.fields import Entity, Record
from counterfoil_mocks.kernel.operations import Answer, Ask, Operation
from counterfoil_mocks.kernel.system import Origin, System
from counterfoil_mocks.kernel.tx import Tx, made
from counterfoil_mocks.protocols import form
from counterfoil_mocks.psa.kantata import declared, errors, events, rating, routes
from counterfoil_mocks.psa.kantata.auth import Account
from counterfoil_mocks.psa.kantata.desk import Desk
from counterfoil_mocks.psa.kantata.entry_objects import enumerated
from counterfoil_mocks.psa.kantata.hot import Hot
from counterfoil_mocks.psa.kantata.kind import VENDOR, Kind, kept
from counterfoil_mocks.psa.kantata.kinds import KINDS
from counterfoil_mocks.psa.kantata.objects import LEVELS
from counterfoil_mocks.psa.kantata.rate_cards import DERIVED
from counterfoil_mocks.psa.kantata.values import CustomField, Values, sets
from counterfoil_mocks.psa.kantata.view import View
from counterfoil_mocks.psa.kantata.writing import CREATE, DELETE, UPDATE

BASE = "/api/v1"
NOBODY = Origin("schedule", "system")
PHRASES = {200: "OK", 204: "No Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error"}  # fmt: skip
STATUS = {status: f"{status} {phrase}".encode() for status, phrase in PHRASES.items()}
HEAD = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store"),
)
CARD_PARTS = ("", "_set", "_set_version", "_version", "_role")
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd number that makes tags of checksums, and request ids of numbers in a row, look like nothing of the kind."""
PEOPLE = ("Account Owner", "Account Member", "Account Contributor")
"""Who is on an account that starts without a firm."""
ADMINISTRATORS = frozenset(
    [
        "create_project",
        "update_project",
        "invite_to_project",
        *(f"{verb}_{noun}" for verb in ("create", "update", "delete") for noun in ("assignment", "milestone")),
        "create_customer",
        "update_customer",
        "delete_customer",
        "create_custom_field",
        "mark_billed",
        "update_invoice",
        "release_billed",
        "create_external_payment",
        "create_account_invitation",
        "resend_account_invitation",
        "update_account_membership",
        "disable_account_membership",
        "enable_account_membership",
        "create_cost_rate",
        "update_cost_rate",
        "delete_cost_rate",
        *(f"{verb}_rate_card{part}" for verb in ("create", "update", "delete") for part in CARD_PARTS),
    ]
)
"""What a collaborator may not do."""
SPOKEN = {"bill_rate": "rate_in_cents"}
"""What Kantata calls a field of the business that no field of its own shows as it is."""
Read = Callable[[View, str], Any]
Write = Callable[[Desk, str], Any]


class KantataFace(Face):
    """Kantata in front of a PSA."""

    vendor = VENDOR
    settings = ("member_access_token", "account_id", "time_zone", "legal_entity", "integer_refs")
    hosts = ("api.mavenlink.com", "app.mavenlink.com")
    body_limit = 16 * 1024 * 1024

    def __init__(self, system: System) -> None:
        self.account = Account(system)
        self.values = Values(declared.fields(of_settings(system.settings)))
        self.hot = Hot(system)
        self.kinds: Mapping[str, Kind] = KINDS
        self.calling: Grant | None = None
        self.spread = ids.digest(system.world.seed, system.name, "kantata")
        self.integer_refs = bool(system.settings.get("integer_refs", True))
        super().__init__(system)

    @classmethod
    def declare(cls, customs: Customs) -> Sequence[CustomField]:
        return declared.fields(customs)

    def credentials(self, url: str) -> dict[str, str]:
        return self.account.credentials(url)

    def furnish(self) -> None:
        """An account without people gets three of them."""
        if self.account.user_id(None):
            return
        with Tx(self.system, NOBODY) as tx:
            for number, name in enumerate(PEOPLE, 1):
                made(
                    tx,
                    self.system.role.by_name["employee"],
                    {
                        "employee_no": f"KT-{number}",
                        "name": name,
                        "legal_entity": str(self.system.settings.get("legal_entity") or "CF-US"),
                        "level": LEVELS[number],
                        "cost_rate": 0,
                    },
                )

    # a call

    def name(self, request: Request) -> None:
        request.kept = perf_counter()
        path = request.path
        if path.endswith(b".json"):
            request.path = path[:-5]
        super().name(request)
        request.path = path

    def authenticate(self, request: Request) -> Grant:
        said = request.headers.get(b"authorization")
        if said is None and b"access_token=" in request.query:
            return self.account.check(b"Bearer " + str(form.decoded(request.query).get("access_token") or "").encode())
        return self.account.check(said)

    def answer(self, request: Request, operation: Operation) -> Answer:
        self.hot.enter(operation.name)
        return super().answer(request, operation)

    def unknown(self, request: Request) -> Problem:
        return errors.absent()

    def parsed(self, request: Request, operation: Operation) -> Record:
        given = form.decoded(request.query, filling=True)
        given.update(self._body(request))
        return given

    @staticmethod
    def _body(request: Request) -> Record:
        if not request.body:
            return {}
        media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if media == "application/x-www-form-urlencoded":
            return form.decoded(request.body, filling=True)
        try:
            found = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise errors.unreadable("There was a problem parsing the request body") from None
        if not isinstance(found, dict):
            raise errors.unreadable("The request body must be an object")
        return found

    def ask(self, request: Request, operation: Operation) -> Ask:
        if not operation.body:
            request.parsed = self.parsed(request, operation) if request.query or request.body else {}
        query, request.query = request.query, b""
        try:
            return super().ask(request, operation)
        finally:
            request.query = query

    def rendered(self, request: Request, answer: Answer) -> Rendered:
        body = b"" if answer.payload is None else self.dumped(answer.payload)
        return self._out(request, answer.status, body, answer.headers)

    def refused(self, request: Request, problem: Problem) -> Rendered:
        kind = request.operation.about if request.operation is not None else None
        named = None
        if problem.field is not None and isinstance(kind, Kind) and kind.maps:
            named = SPOKEN.get(problem.field) or kind.maps[0].named(problem.field)
        status, body = errors.error_of(problem, named)
        return self._out(request, status, orjson.dumps(body), ())

    def _out(self, request: Request, status: int, body: bytes, more: Sequence[tuple[str, str]]) -> Rendered:
        took = perf_counter() - request.kept if isinstance(request.kept, float) else 0.0
        number = (request.seq * SPREAD + self.spread) % 16**32
        text = f"{number:032x}"
        headers = [
            *HEAD,
            (b"etag", b'W/"%032x"' % (zlib.crc32(body) * SPREAD % 16**32)),
            (b"status", STATUS.get(status) or str(status).encode()),
            (b"x-request-id", f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()),
            (b"x-runtime", b"%.6f" % took),
            *(as_bytes(more) if more else ()),
        ]
        return Rendered(status, headers, body)

    # routes

    def reading(
        self, name: str, path: str, work: Read, about: Any = None, entity: str = "", *, lasting: bool = False
    ) -> Operation:
        """A route that looks: `work(view, id)` returns what to answer with."""

        def run(ask: Ask) -> Answer:
            view = View(self, ask.body or {}, ask.request.grant, ask.hidden)
            return Answer(200, work(view, ask.subject))

        known = self.system.role.by_name[entity] if entity else None
        return Operation(name, "GET", f"{BASE}/{path}", run, name, entity=known, lasting=lasting, about=about)

    def writing(
        self, name: str, method: str, path: str, work: Write, about: Any = None, entity: str = "", status: int = 200
    ) -> Operation:
        """A route that does something as one deed: `work(desk, id)` returns what to answer with."""

        def run(ask: Ask) -> Answer:
            if name in ADMINISTRATORS and ask.request.grant is self.account.member:
                raise errors.forbidden()
            self.calling = ask.request.grant
            try:
                with Tx(self.system, ask.origin) as tx:
                    payload = work(Desk(self, ask.body or {}, tx, ask.request.grant, ask.fail_item), ask.subject)
            except OverflowError:
                raise errors.invalid("A figure is too large to be kept") from None
            finally:
                self.calling = None
            return Answer(status, payload)

        known = self.system.role.by_name[entity] if entity else None
        return Operation(name, method, f"{BASE}/{path}", run, name, status, entity=known, write=True, about=about)

    def operations(self) -> Iterable[Operation]:
        yield Operation(
            "token", "POST", "/oauth/token", self._token, "Trade a code for a token", public=True, secret=True
        )
        yield Operation("authorize", "GET", "/oauth/authorize", self._authorize, "Get a code", public=True)
        for kind in self.kinds.values():
            yield from self._resource(kind)
        yield self.reading("get_me", "users/me", lambda view, id: self._me(view), self.kinds["users"])
        yield from routes.operations(self)
        yield self.reading("list_subscribed_event", "subscribed_events", lambda view, id: events.feed(view))
        yield self.reading("list_event_type", "subscribed_events/event_types", lambda view, id: self._event_types(view))

    def _resource(self, kind: Kind) -> Iterable[Operation]:
        """The plain routes of a kind: create, list, show, update, delete."""
        entity = kind.maps[0].entity if kind.maps else ""
        known = "" if entity == "vendor_object" else entity
        one = f"{kind.key}/{{id}}"
        for verb in kind.verbs.split():
            name = f"{verb}_{kind.noun}"
            if verb == "list":
                yield self.reading(name, kind.key, lambda view, id: view.listing(kind), kind, known)
            elif verb == "get":
                yield self.reading(
                    name, one, lambda view, id: view.one(kind, view.seen(kind, id)), kind, known, lasting=True
                )
            elif verb == "create":
                yield self.writing(name, "POST", kind.key, lambda desk, id: self._create(desk, kind), kind, known)
            elif verb == "update":
                yield self.writing(name, "PUT", one, lambda desk, id: self._update(desk, kind, id), kind, known)
            else:
                yield self.writing(name, "DELETE", one, lambda desk, id: self._delete(desk, kind, id), kind, known, 204)
        if kind.key == "time_entries":
            yield self.writing(
                "delete_time_entry", "DELETE", kind.key, lambda desk, id: self._delete_all(desk, kind), kind, known, 204
            )

    def _create(self, desk: Desk, kind: Kind) -> Record:
        create = CREATE[kind.key]
        many = desk.given.get(kind.key)
        if kind.bulk and isinstance(many, list):
            if not 1 <= len(many) <= kind.bulk:
                raise errors.invalid(f"Between 1 and {kind.bulk} records can be created at once")
            found = desk.several(many, lambda given: create(desk, kind, given), kind.root)
            return desk.envelope(kind, found, len(found))
        return desk.one(kind, create(desk, kind, self.root(desk, kind)))

    @staticmethod
    def root(desk: Desk, kind: Kind) -> Record:
        """What the body says under its root key; without one it is as if all were empty."""
        given = desk.given.get(kind.root)
        return given if isinstance(given, dict) else {}

    def _update(self, desk: Desk, kind: Kind, id: str) -> Record:
        record = desk.find(kind, id)
        if record is None:
            raise errors.absent()
        return desk.one(kind, UPDATE[kind.key](desk, kind, record, self.root(desk, kind)))

    def _delete(self, desk: Desk, kind: Kind, id: str) -> None:
        record = desk.find(kind, id)
        if record is None:
            raise errors.absent()
        DELETE[kind.key](desk, kind, record)

    def _delete_all(self, desk: Desk, kind: Kind) -> None:
        wanted = desk.names("ids")
        if not 1 <= len(wanted) <= 100:
            raise errors.invalid("Between 1 and 100 ids can be deleted at once", "ids")
        for id in wanted:
            self._delete(desk, kind, id)

    # single routes

    def _token(self, ask: Ask) -> Answer:
        given = ask.body if isinstance(ask.body, dict) else {}
        return Answer(200, self.account.issue({**given, **basic(ask.request.header(b"authorization"))}))

    def _authorize(self, ask: Ask) -> Answer:
        given = ask.body or {}
        to = str(given.get("redirect_uri") or "")
        if given.get("client_id") != self.account.client_id or not to.startswith(("http://", "https://")):
            raise errors.Denied(400, "invalid_request", "Give the client_id and a redirect_uri.")
        state = f"&state={given['state']}" if given.get("state") else ""
        sign = "&" if "?" in to else "?"
        return Answer(302, {}, headers=(("location", f"{to}{sign}code={self.account.code(to)}{state}"),))

    def _me(self, view: View) -> Record:
        kind = self.kinds["users"]
        return view.one(kind, view.seen(kind, view.user_id))

    def _event_types(self, view: View) -> Record:
        if not view.administrator:
            raise errors.forbidden()
        return {"subscribed_event_types": list(events.TYPES), "subscribed_event_type_schemas": {}}

    # what objects ask for

    def value_at(self, view: View, id: str) -> tuple[Kind, Record, Any] | None:
        """The subject and the field of a custom field value."""
        for field in self.values.fields(view):
            if id.endswith(field.id):
                kind = self.kinds[field.key]
                record = view.find(kind, id.removesuffix(field.id))
                if record is not None:
                    return kind, record, field
        return None

    def derived(self, kind: Kind, view: View) -> list[Record]:
        """The objects of a kind that is worked out of others."""
        if kind.key == "roles":
            return [{"name": level.title(), "id": str(number)} for number, level in enumerate(LEVELS, 1)]
        if kind.key == "expense_categories":
            return [{"name": name, "deleted_at": None, "id": id} for id, name in enumerated()]
        if kind.key == "custom_field_sets":
            return sets()
        if kind.key == "custom_fields":
            return [self.values.shown_field(view, each) for each in self.values.fields(view)]
        if kind.key in DERIVED:
            return DERIVED[kind.key](view)
        return self.values.all(view) if kind.key == "custom_field_values" else []

    def subject_of(self, view: View, record: Record) -> Record | None:
        """What a reference hangs on; None where that is gone."""
        live = self.subjects_of(view, record)
        return {"key": kept(record)["subject_key"], "id": live[0]["id"]} if live else None

    def subjects_of(self, view: View, record: Record) -> list[Record]:
        """The record that a reference hangs on, as far as there is one."""
        said = kept(record)
        live = view.find(self.kinds[said["subject_key"]], said["subject_id"])
        return [] if live is None else [live]

    def legal_entity(self, view: View, ccy: str) -> str:
        """The company that a new project belongs to: the settings' own, else that of another project in its currency."""
        own = self.system.settings.get("legal_entity")
        same = [] if own else self.system.table("project").select(self.system.name, {"ccy": ccy}, limit=1)
        return str(own or (same[0]["legal_entity"] if same else "CF-US"))

    def rate_now(self, view: View, record: Record) -> int | None:
        """What an hour of an entry that is not approved would be billed at, in subunits."""
        return rating.now(view, record)

    # events

    def wrote(self, tx: Tx, touched: Sequence[tuple[Entity, Record | None, Record]]) -> None:
        events.announce(self, tx, touched)


FACE = KantataFace

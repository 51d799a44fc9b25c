"""Routes that are more than make, show, change and delete: references, submissions, custom field values, invoices, allocations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from counterfoil_mocks.kernel.fields import Record
from counterfoil_mocks.kernel.operations import Operation
from counterfoil_mocks.psa.kantata import allocations, errors, invoices, people, references, submissions
from counterfoil_mocks.psa.kantata.booking import approver
from counterfoil_mocks.psa.kantata.desk import Desk
from counterfoil_mocks.psa.kantata.kind import Kind
from counterfoil_mocks.psa.kantata.values import TYPES, Values, choices_of
from counterfoil_mocks.psa.kantata.view import View

if TYPE_CHECKING:
    from counterfoil_mocks.psa.kantata.api import KantataFace, Write


def operations(face: KantataFace) -> Iterable[Operation]:
    """All of them."""
    yield from _references(face)
    yield from _submissions(face)
    yield from _values(face)
    yield from _invoices(face)
    yield from _people(face)
    bookings = face.kinds["workspace_allocations"]
    yield face.writing(
        "split_workspace_allocation",
        "PUT",
        f"{bookings.key}/split",
        lambda desk, id: desk.envelope(bookings, allocations.split(desk, bookings), 2),
        bookings,
    )


def _references(face: KantataFace) -> Iterable[Operation]:
    kind = face.kinds[references.KIND]

    def listed(view: View, id: str) -> Record:
        if not view.text("subject_type"):
            raise errors.invalid("Subject type can't be blank", "subject_type")
        return view.listing(kind)

    def put(desk: Desk, id: str) -> Record:
        given = face.root(desk, kind)
        subject = next((each for each in face.kinds.values() if each.subject == given.get("subject_type")), None)
        record = None if subject is None else desk.find(subject, str(given.get("subject_id") or ""))
        if subject is None or record is None:
            wrong = (
                errors.failure("Subject type is not included in the list", "subject_type")
                if subject is None
                else errors.failure("Subject can't be found", "subject_id")
            )
            raise errors.Refused(422, [wrong, *references.lacking(given)])
        return desk.one(kind, references.put(desk, subject, record["id"], given))

    yield face.reading("list_external_reference", kind.key, listed, kind)
    yield face.writing("put_external_reference", "POST", f"{kind.key}/create_or_update", put, kind)


def _submissions(face: KantataFace) -> Iterable[Operation]:
    for key, sheet in submissions.SHEETS.items():
        yield from _sheet(face, face.kinds[key], sheet)
    locks = face.kinds["line_item_locks"]

    def lock(desk: Desk, id: str) -> Record:
        return desk.one(locks, submissions.lock(desk, locks, face.root(desk, locks)))

    yield face.writing("create_line_item_lock", "POST", locks.key, lock, locks)


def _sheet(face: KantataFace, kind: Kind, sheet: submissions.Sheet) -> Iterable[Operation]:
    """Submissions of one kind: handed in, resolved one by one and together."""

    def create(desk: Desk, id: str) -> Record:
        return desk.one(kind, submissions.create(desk, kind, face.root(desk, kind)))

    def resolving(what: str) -> tuple[Write, Write]:
        def one(desk: Desk, id: str) -> Record:
            return desk.one(kind, submissions.resolve(desk, kind, id, what, desk.given, approver(desk)))

        def many(desk: Desk, id: str) -> Record:
            return submissions.resolve_all(desk, kind, what, desk.given, approver(desk))

        return one, many

    yield face.writing(f"submit_{sheet.noun}", "POST", kind.key, create, kind)
    verbs = {"approval": "approve", "rejection": "reject", "cancellation": "cancel"}
    for what, verb in verbs.items():
        one, many = resolving(what)
        name = f"{'withdraw' if verb == 'cancel' else verb}_{sheet.noun}"
        yield face.writing(name, "PUT", f"{kind.key}/{{id}}/{verb}", one, kind)
        stem = kind.root.removesuffix("_submission")
        yield face.writing(name, "POST", f"{stem}_{what}s", many, kind)


def _values(face: KantataFace) -> Iterable[Operation]:
    fields, values = face.kinds["custom_fields"], face.kinds["custom_field_values"]

    def listed(view: View, id: str) -> Record:
        Values.key(view.text("subject_type"))
        return view.listing(values)

    def shown(view: View, id: str) -> Record:
        place = face.value_at(view, id)
        found = [] if place is None else [each for each in face.values.of(view, place[1]) if each["id"] == id]
        if not found:
            raise errors.absent()
        return view.envelope(values, found, 1)

    def create(desk: Desk, id: str) -> Record:
        given = face.root(desk, values)
        kind = face.kinds[Values.key(str(given.get("subject_type") or ""))]
        record = desk.find(kind, str(given.get("subject_id") or ""))
        if record is None:
            raise errors.invalid("Subject can't be found", "subject_id")
        field = face.values.field(desk, kind.key, given.get("custom_field_id"))
        if any(each["custom_field_id"] == field.id for each in face.values.of(desk, record)):
            raise errors.invalid("Custom field has a value already", "custom_field_id")
        return put(desk, kind, record, field, given.get("value"))

    def put(desk: Desk, kind: Kind, record: Record, field: Any, value: Any) -> Record:
        record = desk.besides(kind, record, {"custom_fields": [{"custom_field_id": field.id, "value": value}]})
        found = [each for each in face.values.of(desk, record) if each["custom_field_id"] == field.id]
        return desk.envelope(values, found, len(found))

    def update(desk: Desk, id: str) -> Record:
        place = face.value_at(desk, id)
        if place is None:
            raise errors.absent()
        return put(desk, *place, face.root(desk, values).get("value"))

    def create_field(desk: Desk, id: str) -> Record:
        given = face.root(desk, fields)
        wrong = [] if given.get("name") else [errors.failure("Name can't be blank", "name")]
        if str(given.get("value_type")) not in TYPES:
            wrong.append(errors.failure("Value type is not included in the list", "value_type"))
        if not given.get("subject_type"):
            wrong.append(errors.failure("Subject type can't be blank", "subject_type"))
        if wrong:
            raise errors.Refused(422, wrong)
        key = Values.key(str(given.get("subject_type") or ""))
        said = {"name": str(given["name"]), "value_type": given["value_type"], "key": key}
        if given["value_type"] in ("single", "multi"):
            said["choices"] = choices_of(given.get("choices"))
        record = desk.keep("custom_fields", said, columns={"name": said["name"][:500]})
        desk.custom_fields.clear()
        return desk.one(fields, face.values.shown_field(desk, face.values.field(desk, key, record["id"])))

    yield face.writing("create_custom_field", "POST", fields.key, create_field, fields)
    yield face.reading("list_custom_field_value", values.key, listed, values)
    yield face.reading("get_custom_field_value", f"{values.key}/{{id}}", shown, values)
    yield face.writing("create_custom_field_value", "POST", values.key, create, values)
    yield face.writing("update_custom_field_value", "PUT", f"{values.key}/{{id}}", update, values)


def _invoices(face: KantataFace) -> Iterable[Operation]:
    """Invoices and payments; what marks time as billed is named as the business names it."""
    kind, payments = face.kinds["invoices"], face.kinds["external_payments"]

    def held(desk: Desk, id: str) -> Record:
        record = desk.find(kind, id)
        if record is None:
            raise errors.absent()
        return record

    def create(desk: Desk, id: str) -> Record:
        return desk.one(kind, invoices.create(desk, kind, face.root(desk, kind)))

    def pay(desk: Desk, id: str) -> Record:
        return desk.one(payments, invoices.pay(desk, payments, face.root(desk, payments)))

    def numbered(view: View, id: str) -> Record:
        return {"next_invoice_number": str(invoices.next_number(view))}

    one = f"{kind.key}/{{id}}"
    yield face.reading("get_next_invoice_number", f"{kind.key}/next_invoice_number", numbered)
    yield face.writing("mark_billed", "POST", kind.key, create, kind)
    yield face.writing(
        "update_invoice",
        "PUT",
        one,
        lambda desk, id: desk.one(kind, invoices.update(desk, kind, held(desk, id), face.root(desk, kind))),
        kind,
    )
    yield face.writing(
        "release_billed",
        "PUT",
        f"{one}/cancel",
        lambda desk, id: desk.one(kind, invoices.cancel(desk, held(desk, id))),
    )
    yield face.writing(
        "release_billed", "DELETE", one, lambda desk, id: invoices.delete(desk, held(desk, id)), kind, status=204
    )
    yield face.writing("create_external_payment", "POST", payments.key, pay, payments)


def _people(face: KantataFace) -> Iterable[Operation]:
    """Who comes to the account and to projects, and who leaves."""
    members, invitations = face.kinds["account_memberships"], face.kinds["account_invitations"]
    for verb, status in (("disable", "LEFT"), ("enable", "ACTIVE")):

        def switched(desk: Desk, id: str, status: str = status) -> Record:
            return desk.one(members, people.switch(desk, members, id, status))

        yield face.writing(f"{verb}_account_membership", "PUT", f"{members.key}/{{id}}/{verb}", switched, members)
    yield face.writing(
        "resend_account_invitation",
        "PUT",
        f"{invitations.key}/{{id}}/resend",
        lambda desk, id: desk.one(invitations, people.resend(desk, invitations, id)),
        invitations,
    )
    yield face.writing("invite_to_project", "POST", "workspaces/{id}/invite", people.invite_to_workspace, invitations)

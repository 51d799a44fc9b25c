"""Stripe's own client on the way from an hour worked to a credit note."""

from __future__ import annotations

from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer."""
    return client.v1.customers.create({"name": "Acme", "email": "ap@acme.example", "metadata": {"contract_no": "CT-1"}})


def billed(client: Any, owner: Any, *amounts: int, **fields: Any) -> Any:
    """An open invoice of some amounts."""
    for amount in amounts:
        client.v1.invoice_items.create({"customer": owner.id, "amount": amount, "currency": "usd"})
    made = client.v1.invoices.create(
        {
            "customer": owner.id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "pending_invoice_items_behavior": "include",
            **fields,
        }
    )
    return client.v1.invoices.finalize_invoice(made.id)


@pytest.mark.by_client("create_tax_code get_tax_code update_tax_code list_tax_code")
@pytest.mark.by_client("create_invoiceitem get_invoiceitem list_invoiceitem create_invoice issue_invoice")
def test_hours_become_a_final_invoice_with_tax(client: Any, acme: Any, stripe_face: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "Tax", "percentage": 7.25, "inclusive": False})
    v1.tax_rates.update(rate.id, {"description": "State"})
    assert rate.id in [each.id for each in v1.tax_rates.list()]
    assert v1.tax_rates.retrieve(rate.id).percentage == 7.25
    price = v1.prices.create({"currency": "usd", "unit_amount": 17500, "product_data": {"name": "Senior"}})
    item = v1.invoice_items.create(
        {
            "customer": acme.id,
            "pricing": {"price": price.id},
            "quantity": 8,
            "tax_rates": [rate.id],
            "description": "Senior, 8 h",
        }
    )
    assert (item.amount, v1.invoice_items.retrieve(item.id).invoice) == (140000, None)
    draft = v1.invoices.create(
        {
            "customer": acme.id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "pending_invoice_items_behavior": "include",
            "metadata": {"contract_no": "CT-1"},
        }
    )
    assert (draft.status, draft.number, draft.due_date - draft.created) == ("draft", None, 30 * 86400)
    assert list(v1.invoice_items.list({"customer": acme.id, "pending": True})) == []
    final = v1.invoices.finalize_invoice(draft.id)
    assert (final.status, final.subtotal, final.total, final.amount_due) == ("open", 140000, 150150, 150150)
    assert final.number == f"{acme.invoice_prefix}-0001"
    assert final.total_taxes[0].to_dict() | {"taxability_reason": ""} == {
        "amount": 10150,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": rate.id},
        "taxability_reason": "",
        "taxable_amount": 140000,
        "type": "tax_rate_details",
    }
    record = stripe_face.call("GET", f"/systems/billing/invoices/{final.id}").json
    assert (record["status"], record["contract_no"], record["invoice_no"]) == ("ISSUED", "CT-1", final.number)
    assert record["total"] == {"minor": 150150, "ccy": "USD"}
    assert record["lines"][0]["qty"] == "8.0000"


@pytest.mark.parametrize(
    ("amount", "percentage", "inclusive", "tax", "total"),
    [(1050, 5, False, 53, 1103), (1200, 20, True, 200, 1200), (-1050, 5, False, -53, -1103)],
)
def test_tax_is_rounded_half_up_on_each_line(
    client: Any, acme: Any, amount: int, percentage: float, inclusive: bool, tax: int, total: int
) -> None:
    rate = client.v1.tax_rates.create({"display_name": "T", "percentage": percentage, "inclusive": inclusive})
    draft = client.v1.invoices.create({"customer": acme.id, "currency": "usd", "default_tax_rates": [rate.id]})
    made = client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": amount, "description": "x"}]})
    assert (made.total_taxes[0].amount, made.total) == (tax, total)


@pytest.mark.by_client("update_invoiceitem delete_invoiceitem update_invoice delete_invoice list_invoice_line")
@pytest.mark.by_client("add_invoice_lines update_invoice_lines remove_invoice_lines update_invoice_line")
def test_a_draft_changes_as_one_likes(client: Any, acme: Any) -> None:
    v1 = client.v1
    draft = v1.invoices.create({"customer": acme.id, "currency": "usd"})
    lines = v1.invoices.add_lines(
        draft.id, {"lines": [{"amount": 100, "description": "a"}, {"amount": 200}]}
    ).lines.data
    assert v1.invoices.update_lines(draft.id, {"lines": [{"id": lines[0].id, "amount": 150}]}).total in (250, 350)
    assert v1.invoices.line_items.update(draft.id, lines[1].id, {"description": "b"}).description == "b"
    assert [each.id for each in v1.invoices.line_items.list(draft.id)] == [each.id for each in lines]
    left = v1.invoices.remove_lines(draft.id, {"lines": [{"id": lines[0].id, "behavior": "unassign"}]})
    assert len(left.lines.data) == 1
    item = v1.invoice_items.list({"customer": acme.id, "pending": True}).data[0]
    assert v1.invoice_items.update(item.id, {"amount": 999}).amount == 999
    assert v1.invoice_items.delete(item.id).deleted is True
    assert v1.invoices.update(draft.id, {"description": "May"}).description == "May"
    assert v1.invoices.delete(draft.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.invoices.retrieve(draft.id)
    assert caught.value.param == "invoice"


def test_a_final_invoice_is_not_edited(client: Any, acme: Any) -> None:
    final = billed(client, acme, 5000)
    v1 = client.v1
    refused = {
        "already finalized": lambda: v1.invoices.finalize_invoice(final.id),
        "only delete draft": lambda: v1.invoices.delete(final.id),
        "no longer editable": lambda: v1.invoices.add_lines(final.id, {"lines": [{"amount": 1}]}),
        "can't be updated in this way": lambda: v1.invoices.update(final.id, {"days_until_due": 3}),
        "must specify 'due_date'": lambda: v1.invoices.create(
            {"customer": acme.id, "collection_method": "send_invoice"}
        ),
    }
    for words, attempt in refused.items():
        with pytest.raises(stripe.InvalidRequestError, match=words):
            attempt()
    assert v1.invoices.update(final.id, {"metadata": {"posted": "yes"}}).metadata.posted == "yes"


@pytest.mark.by_client("send_invoice void_invoice write_off_invoice pay_invoice list_invoice search_invoice")
def test_an_open_invoice_is_sent_voided_given_up_or_paid_elsewhere(client: Any, acme: Any, stripe_face: Any) -> None:
    v1 = client.v1
    one, two, three = (billed(client, acme, 5000) for _ in range(3))
    assert v1.invoices.send_invoice(one.id).status == "open"
    assert v1.invoices.void_invoice(one.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError, match="This invoice isn't open"):
        v1.invoices.void_invoice(one.id)
    assert v1.invoices.mark_uncollectible(two.id).status == "uncollectible"
    assert v1.invoices.pay(two.id, {"paid_out_of_band": True}).status == "paid"
    paid = v1.invoices.pay(three.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_remaining, paid.attempted) == ("paid", 5000, 0, False)
    with pytest.raises(stripe.InvalidRequestError, match="Invoice is already paid"):
        v1.invoices.pay(three.id)
    record = stripe_face.call("GET", f"/systems/billing/invoices/{three.id}").json
    assert (record["status"], record["paid"]["minor"]) == ("PAID", 5000)
    assert {each.id for each in v1.invoices.list({"customer": acme.id, "status": "paid"})} == {two.id, three.id}
    assert [each.id for each in v1.invoices.search({"query": f"number:'{one.number}' AND status:'void'"})] == [one.id]


def test_a_revision_takes_the_place_of_an_open_invoice(client: Any, acme: Any) -> None:
    old = billed(client, acme, 900)
    draft = client.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": old.id}})
    new = client.v1.invoices.finalize_invoice(draft.id)
    replaced = client.v1.invoices.retrieve(old.id)
    assert (new.total, replaced.status, replaced.latest_revision) == (900, "void", new.id)


def test_a_credit_of_the_customer_is_used_when_an_invoice_becomes_final(client: Any, acme: Any) -> None:
    client.v1.customers.balance_transactions.create(acme.id, {"amount": -300, "currency": "usd"})
    final = billed(client, acme, 1000)
    assert (final.total, final.amount_due, final.starting_balance, final.ending_balance) == (1000, 700, -300, 0)
    assert client.v1.customers.retrieve(acme.id).balance == 0


@pytest.mark.by_client("create_coupon get_coupon update_coupon list_coupon delete_coupon")
def test_a_coupon_lowers_what_is_taxed(client: Any, acme: Any) -> None:
    v1 = client.v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "once"})
    v1.coupons.update(coupon.id, {"name": "Ten"})
    assert coupon.id in [each.id for each in v1.coupons.list()]
    rate = v1.tax_rates.create({"display_name": "T", "percentage": 10, "inclusive": False})
    draft = v1.invoices.create(
        {"customer": acme.id, "currency": "usd", "discounts": [{"coupon": coupon.id}], "default_tax_rates": [rate.id]}
    )
    made = v1.invoices.add_lines(draft.id, {"lines": [{"amount": 1000}]})
    assert (made.total_discount_amounts[0].amount, made.total) == (100, 990)
    assert v1.coupons.retrieve(coupon.id).times_redeemed == 1
    assert v1.coupons.delete(coupon.id).deleted is True


@pytest.mark.by_client("preview_invoice")
def test_a_preview_leaves_nothing_behind(client: Any, acme: Any) -> None:
    client.v1.invoice_items.create({"customer": acme.id, "amount": 700, "currency": "usd"})
    before = len(list(client.v1.events.list({"limit": 100})))
    shown = client.v1.invoices.create_preview(
        {"customer": acme.id, "invoice_items": [{"amount": 50, "currency": "usd"}]}
    )
    assert (shown.id.startswith("upcoming_in_"), shown.total) == (True, 750)
    assert list(client.v1.invoices.list({"customer": acme.id})) == []
    assert len(list(client.v1.events.list({"limit": 100}))) == before


@pytest.mark.by_client("create_credit_memo get_credit_memo update_credit_memo list_credit_memo void_credit_memo")
@pytest.mark.by_client("preview_credit_note preview_credit_note_lines list_credit_note_line get_invoice")
def test_a_credit_note_lowers_what_is_left_to_pay(client: Any, acme: Any, stripe_face: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "T", "percentage": 7.25, "inclusive": False})
    final = billed(client, acme, 140000, default_tax_rates=[rate.id])
    wanted = {
        "invoice": final.id,
        "lines": [{"type": "invoice_line_item", "invoice_line_item": final.lines.data[0].id, "amount": 10000}],
        "reason": "order_change",
    }
    assert v1.credit_notes.preview(wanted).total == 10725
    assert v1.credit_notes.preview_lines.list(wanted).data[0].amount == 10000
    note = v1.credit_notes.create({**wanted, "memo": "CO-2"})
    assert (note.total, note.type, note.number) == (10725, "pre_payment", f"{final.number}-CN-01")
    left = v1.invoices.retrieve(final.id)
    assert (left.total, left.amount_due, left.amount_remaining) == (150150, 139425, 139425)
    assert left.pre_payment_credit_notes_amount == 10725
    assert [each.amount for each in v1.credit_notes.line_items.list(note.id)] == [10000]
    memo = stripe_face.call("GET", f"/systems/billing/credit_memos/{note.id}").json
    assert (memo["corrects"], memo["total"]["minor"]) == (final.number, -10725)
    assert v1.credit_notes.update(note.id, {"memo": "CO-3"}).memo == "CO-3"
    with pytest.raises(stripe.InvalidRequestError):
        v1.credit_notes.create({"invoice": final.id, "amount": 200000})
    assert v1.credit_notes.void_credit_note(note.id).status == "void"
    assert v1.credit_notes.retrieve(note.id).status == "void"
    assert v1.invoices.retrieve(final.id).amount_due == 150150
    whole = v1.credit_notes.create({"invoice": final.id, "amount": 150150})
    assert v1.invoices.retrieve(final.id).status == "paid"
    assert {each.id for each in v1.credit_notes.list({"invoice": final.id})} == {note.id, whole.id}


def test_a_credit_after_payment_goes_to_the_customer_s_balance(client: Any, acme: Any) -> None:
    final = billed(client, acme, 5000)
    client.v1.invoices.pay(final.id, {"paid_out_of_band": True})
    note = client.v1.credit_notes.create({"invoice": final.id, "amount": 2000})
    assert (note.type, note.post_payment_amount) == ("post_payment", 2000)
    assert client.v1.customers.retrieve(acme.id).balance == -2000
    after = client.v1.invoices.retrieve(final.id)
    assert (after.amount_paid, after.post_payment_credit_notes_amount) == (5000, 2000)


def test_an_invoice_of_the_firm_is_stripe_s_as_well(client: Any, stripe_face: Any) -> None:
    owner = client.v1.customers.create({"name": "Native"})
    entity = {"code": "CF-NT", "name": "Firm", "country": "US", "tz": "America/Chicago", "functional_ccy": "USD"}
    stripe_face.call("POST", "/systems/billing/legal_entities", entity)
    said = {
        "contract_no": "CT-9",
        "legal_entity": "CF-NT",
        "customer": owner.id,
        "ccy": "USD",
        "lines": [{"description": "Advice", "unit_price": "12.5000", "qty": "2.0000"}],
    }
    made = stripe_face.call("POST", "/systems/billing/invoices", said).json
    for deed in ("approve_invoice", "issue_invoice"):
        assert stripe_face.call("POST", f"/systems/billing/actions/{deed}", {"id": made["id"]}).status == 200
    found = client.v1.invoices.retrieve(made["id"])
    numbered = stripe_face.call(
        "POST", "/systems/billing/customers", {"name": "N", "country": "US", "customer_no": "CU-9"}
    )
    assert client.v1.customers.retrieve(numbered.json["id"]).metadata.customer_no == "CU-9"
    assert (found.status, found.total, found.lines.data[0].description) == ("open", 2500, "Advice")
    assert found.metadata.contract_no == "CT-9"
    told = [each.type for each in client.v1.events.list({"limit": 10})]
    assert "invoice.finalized" in told
    due = found.due_date
    for asked in (due, {"gte": due, "lte": due}, {"gt": due - 1, "lt": due + 1}):
        assert [each.id for each in client.v1.invoices.list({"customer": owner.id, "due_date": asked})] == [found.id]
    for asked in ({"gt": due}, {"gte": due + 1}, {"lt": due}, {"lte": due - 1}):
        assert client.v1.invoices.list({"customer": owner.id, "due_date": asked}).data == []


def test_a_customer_of_the_firm_is_found_by_the_address_that_its_invoices_go_to(client: Any, stripe_face: Any) -> None:
    v1 = client.v1
    made = stripe_face.call("POST", "/systems/billing/customers", {"name": "Firm's", "country": "US"}).json["id"]
    site = {"customer": made, "site_code": "HQ", "country": "US", "email_invoices_to": "ap@firm.example"}
    assert stripe_face.call("POST", "/systems/billing/sites", site).status == 201
    assert v1.customers.retrieve(made).email == "ap@firm.example"
    assert [each.id for each in v1.customers.list({"email": "ap@firm.example"})] == [made]
    assert [each.id for each in v1.customers.search({"query": "email:'ap@firm.example'"})] == [made]
    v1.customers.update(made, {"email": "new@firm.example"})
    assert [each.id for each in v1.customers.list({"email": "new@firm.example"})] == [made]
    assert v1.customers.list({"email": "ap@firm.example"}).data == []


def test_shipping_is_in_the_total_and_not_in_the_subtotal(client: Any, acme: Any, stripe_face: Any) -> None:
    v1 = client.v1
    fixed = {"display_name": "Courier", "type": "fixed_amount", "fixed_amount": {"amount": 700, "currency": "usd"}}
    made = billed(client, acme, 10000, shipping_cost={"shipping_rate_data": fixed})
    assert (made.subtotal, made.amount_shipping, made.total, made.amount_due) == (10000, 700, 10700, 10700)
    assert made.shipping_cost.shipping_rate.startswith("shr_")
    assert stripe_face.call("GET", f"/systems/billing/invoices/{made.id}").json["total"]["minor"] == 10700
    draft = v1.invoices.create({"customer": acme.id, "shipping_cost": {"shipping_rate_data": fixed}})
    assert v1.invoices.update(draft.id, {"shipping_cost": ""}).total == 0
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.invoices.create({"customer": acme.id, "shipping_cost": {"shipping_rate": "shr_x"}})
    assert caught.value.param == "shipping_cost[shipping_rate]"


def test_a_chosen_number_stands_on_the_draft_and_is_given_once(client: Any, acme: Any) -> None:
    v1 = client.v1
    first, second = (v1.invoices.create({"customer": acme.id, "number": "INV-7"}) for _ in range(2))
    assert first.number == "INV-7"
    assert v1.invoices.finalize_invoice(first.id).number == "INV-7"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.invoices.finalize_invoice(second.id)
    assert (caught.value.param, v1.invoices.retrieve(second.id).status) == ("number", "draft")


def test_a_preview_takes_discounts_phases_cancellations_and_strangers(client: Any, acme: Any) -> None:
    v1 = client.v1
    recurring = {"recurring": {"interval": "month"}, "product_data": {"name": "Retainer"}}
    price = v1.prices.create({"currency": "usd", "unit_amount": 10000, **recurring})
    half = v1.coupons.create({"percent_off": 50, "duration": "once"})
    items = {"items": [{"price": price.id}]}
    preview = v1.invoices.create_preview
    asked = {"customer": acme.id, "subscription_details": items, "discounts": [{"coupon": half.id}]}
    assert preview(asked).total == 5000
    assert preview({"customer": acme.id, "schedule_details": {"phases": [items]}}).total == 10000
    rate = v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False})
    described = {
        "customer_details": {"tax_exempt": "exempt"},
        "subscription_details": {**items, "default_tax_rates": [rate.id]},
    }
    assert preview(described).total == 10000
    terms = {"collection_method": "send_invoice", "days_until_due": 30}
    made = v1.subscriptions.create({"customer": acme.id, **items, **terms})
    assert preview({"subscription": made.id, "subscription_details": {"cancel_now": True}}).total <= 0
    assert v1.subscriptions.retrieve(made.id).status == "active"
    assert v1.coupons.retrieve(half.id).times_redeemed == 0


def test_a_credit_note_of_an_old_version_names_its_refund(client: Any, acme: Any) -> None:
    v1 = client.v1
    made = billed(client, acme, 5000)
    v1.invoices.pay(made.id, {"payment_method": "pm_card_visa"})
    note = {"invoice": made.id, "amount": 1000, "refund_amount": 1000}
    old = v1.credit_notes.create(note, {"stripe_version": "2024-06-20"})
    assert old.refund == old.refunds[0].refund


def test_credits_of_parts_come_to_what_was_billed(client: Any, acme: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "Tax", "percentage": 7.25, "inclusive": False})
    made = billed(client, acme, 1000, default_tax_rates=[rate.id])
    line = {"type": "invoice_line_item", "invoice_line_item": made.lines.data[0].id}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.credit_notes.create({"invoice": made.id, "amount": 1000, "lines": [{**line, "amount": 1000}]})
    assert caught.value.param == "amount"
    parts = [v1.credit_notes.create({"invoice": made.id, "lines": [{**line, "amount": a}]}) for a in (333, 333, 334)]
    assert [each.total for each in parts] == [357, 357, 359]
    assert (made.total, v1.invoices.retrieve(made.id).status) == (1073, "paid")


def test_a_discount_leaves_the_tax_inside_the_subtotal_alone(client: Any, acme: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": True})
    tenth = v1.coupons.create({"percent_off": 10, "duration": "once"})
    made = billed(client, acme, 12000, default_tax_rates=[rate.id], discounts=[{"coupon": tenth.id}])
    assert (made.subtotal, made.subtotal_excluding_tax) == (12000, 10000)
    assert (made.total, made.total_excluding_tax) == (10800, 9000)

"""What Stripe's own client is refused, with nothing changed, and where money of a refused or voided document stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

stripe = pytest.importorskip("stripe")


@pytest.fixture
def acme(client: Any) -> Any:
    """A customer who owes and is owed nothing."""
    return client.v1.customers.create({"name": "Acme"})


def refused(run: Callable[..., Any], *args: Any) -> tuple[str | None, str | None]:
    """Code and parameter of the refusal that a call gets."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        run(*args)
    return caught.value.code, caught.value.param


def billed(client: Any, owner: Any, amount: int, **fields: Any) -> Any:
    """An open invoice of one amount."""
    terms = {"collection_method": "send_invoice", "days_until_due": 30}
    made = client.v1.invoices.create({"customer": owner.id, "currency": "usd", **terms, **fields})
    client.v1.invoices.add_lines(made.id, {"lines": [{"amount": amount, "description": "Work"}]})
    return client.v1.invoices.finalize_invoice(made.id)


def test_an_item_goes_onto_no_invoice_of_another_currency_or_customer(client: Any, acme: Any) -> None:
    create = client.v1.invoice_items.create
    draft = client.v1.invoices.create({"customer": acme.id, "currency": "usd"})
    item = {"customer": acme.id, "invoice": draft.id, "amount": 500}
    assert refused(create, {**item, "currency": "eur"}) == (None, "currency")
    other = client.v1.customers.create({"name": "Other"})
    assert refused(create, {**item, "customer": other.id, "currency": "usd"}) == (None, "invoice")
    assert client.v1.invoices.retrieve(draft.id).subtotal == 0
    assert client.v1.customers.retrieve(acme.id).currency is None


def test_a_hash_without_a_member_that_it_needs_is_refused_by_name(client: Any, acme: Any) -> None:
    said = {"email": "half@acme.example", "tax_id_data": [{"type": "eu_vat"}]}
    assert refused(client.v1.customers.create, said) == ("parameter_missing", "tax_id_data[0][value]")
    assert list(client.v1.customers.list({"email": "half@acme.example"})) == []
    said = {"customer": acme.id, "custom_fields": [{"name": "PO"}]}
    assert refused(client.v1.invoices.create, said) == ("parameter_missing", "custom_fields[0][value]")


def test_words_and_figures_that_stripe_does_not_take_are_refused(client: Any, acme: Any) -> None:
    v1 = client.v1
    assert refused(v1.customers.create, {"email": "nobody"}) == ("email_invalid", "email")
    assert refused(v1.customers.tax_ids.create, acme.id, {"type": "zz_zz", "value": "1"}) == (None, "type")
    price = {"currency": "usd", "product_data": {"name": "Hour"}}
    assert refused(v1.prices.create, {**price, "unit_amount": -5}) == ("parameter_invalid_integer", "unit_amount")
    assert refused(v1.prices.create, {**price, "unit_amount": 5, "unit_amount_decimal": "5"}) == (None, "unit_amount")
    item = {"customer": acme.id, "currency": "usd", "unit_amount_decimal": "5", "quantity": -1}
    assert refused(v1.invoice_items.create, item) == ("parameter_invalid_integer", "quantity")
    intent = {"amount": 12345, "currency": "kwd"}
    assert refused(v1.payment_intents.create, intent) == ("parameter_invalid_integer", "amount")
    terms = {"customer": acme.id, "collection_method": "send_invoice", "days_until_due": 3, "due_date": 1893456000}
    assert refused(v1.invoices.create, terms) == (None, "due_date")


def test_an_endpoint_asks_for_events_that_there_are(client: Any) -> None:
    endpoints = client.v1.webhook_endpoints
    said = {"url": "http://127.0.0.1:1/hook", "enabled_events": ["invoice.paid"], "metadata": {"a": "1"}}
    assert refused(endpoints.create, {**said, "enabled_events": ["invoice.payed"]}) == (None, "enabled_events[0]")
    older, newer = endpoints.create(said), endpoints.create(said)
    assert refused(endpoints.update, older.id, {"enabled_events": ["invoice.payed"]}) == (None, "enabled_events[0]")
    assert refused(endpoints.update, older.id, {"url": "hook"}) == ("url_invalid", "url")
    assert endpoints.update(older.id, {"metadata": {"b": "2"}}).metadata.to_dict() == {"a": "1", "b": "2"}
    assert [each.id for each in endpoints.list({"ending_before": older.id, "limit": 1}).data] == [newer.id]
    assert refused(endpoints.list, {"starting_after": "we_x"}) == ("resource_missing", "starting_after")
    types = ["invoice.paid"] * 21
    assert refused(client.v1.events.list, {"types": types}) == (None, "types")
    for each in (older, newer):
        endpoints.delete(each.id)


def test_a_key_opens_no_other_account(client: Any) -> None:
    with pytest.raises(stripe.PermissionError) as caught:
        client.v1.customers.list({}, {"stripe_account": "acct_other"})
    assert caught.value.http_status == 403


def test_a_card_pays_for_its_owner_alone(client: Any, acme: Any) -> None:
    v1 = client.v1
    card = v1.payment_methods.attach("pm_card_visa", {"customer": v1.customers.create({"name": "Other"}).id})
    invoice = billed(client, acme, 5000)
    said = {"payment_method": card.id}
    assert refused(v1.invoices.pay, invoice.id, said) == ("resource_missing", "payment_method")
    assert v1.invoices.retrieve(invoice.id).status == "open"


def test_a_void_invoice_gives_back_what_it_used_of_the_balance(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Credit", "balance": -3000})
    invoice = billed(client, owner, 10000)
    assert (invoice.amount_due, v1.customers.retrieve(owner.id).balance) == (7000, 0)
    v1.invoices.void_invoice(invoice.id)
    assert v1.customers.retrieve(owner.id).balance == -3000
    newest = v1.customers.balance_transactions.list(owner.id).data[0]
    assert (newest.type, newest.amount, newest.invoice) == ("unapplied_from_invoice", -3000, invoice.id)


def test_a_revision_uses_the_balance_that_its_original_used(client: Any) -> None:
    v1 = client.v1
    owner = v1.customers.create({"name": "Credit", "balance": -3000})
    old = billed(client, owner, 10000)
    new = v1.invoices.create({"from_invoice": {"action": "revision", "invoice": old.id}})
    final = v1.invoices.finalize_invoice(new.id)
    assert (final.starting_balance, final.amount_due, final.ending_balance) == (-3000, 7000, 0)
    assert v1.invoices.retrieve(old.id).latest_revision == new.id


def test_too_little_to_charge_is_owed_with_the_next_invoice(client: Any, acme: Any) -> None:
    v1 = client.v1
    small = billed(client, acme, 30)
    assert (small.status, small.total, small.amount_due, small.ending_balance) == ("paid", 30, 0, 30)
    assert v1.customers.balance_transactions.list(acme.id).data[0].type == "invoice_too_small"
    assert billed(client, acme, 1000).amount_due == 1030


def test_a_void_credit_note_still_takes_a_memo(client: Any, acme: Any) -> None:
    notes = client.v1.credit_notes
    note = notes.create({"invoice": billed(client, acme, 5000).id, "amount": 1000})
    notes.void_credit_note(note.id)
    assert notes.update(note.id, {"memo": "By mistake", "metadata": {"why": "typo"}}).memo == "By mistake"
    again = notes.retrieve(note.id)
    assert (again.status, again.memo, again.metadata["why"]) == ("void", "By mistake", "typo")


def test_no_line_is_credited_beyond_what_it_billed(client: Any, acme: Any) -> None:
    notes = client.v1.credit_notes
    invoice = client.v1.invoices.create(
        {"customer": acme.id, "currency": "usd", "collection_method": "send_invoice", "days_until_due": 5}
    )
    client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1000}, {"amount": 9000}]})
    final = client.v1.invoices.finalize_invoice(invoice.id)
    small = next(each for each in final.lines.data if each.amount == 1000)
    part = {"type": "invoice_line_item", "invoice_line_item": small.id, "amount": 800}
    assert refused(notes.create, {"invoice": final.id, "lines": [part, part]}) == (None, "lines[1][amount]")
    notes.create({"invoice": final.id, "lines": [part]})
    assert refused(notes.create, {"invoice": final.id, "lines": [part]}) == (None, "lines[0][amount]")
    assert refused(notes.create, {"invoice": final.id, "amount": 0}) == ("parameter_invalid_integer", "amount")
    assert client.v1.invoices.retrieve(final.id).amount_remaining == 9200


def test_moments_and_filters_that_there_are_not_are_refused_in_stripe_s_shape(client: Any, acme: Any) -> None:
    v1 = client.v1
    assert refused(v1.customers.list, {"created": {"after": 1}}) == ("parameter_unknown", "created[after]")
    assert refused(v1.customers.list, {"created": {"gte": 10**17}}) == (None, "created[gte]")
    terms = {"customer": acme.id, "collection_method": "send_invoice", "due_date": 10**14}
    assert refused(v1.invoices.create, terms) == (None, "due_date")
    price = {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Hour"}}
    said = {**price, "recurring": {"interval": "month", "interval_count": 0}}
    assert refused(v1.prices.create, said) == ("parameter_invalid_integer", "recurring[interval_count]")


def test_a_subscription_takes_active_prices_and_no_quantity_of_usage(client: Any) -> None:
    v1 = client.v1
    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    owner = v1.customers.create({"name": "Payer", **card})
    monthly = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Hour"}}
    old = v1.prices.create({**monthly, "recurring": {"interval": "month"}})
    v1.prices.update(old.id, {"active": False})
    said = {"customer": owner.id, "items": [{"price": old.id}]}
    assert refused(v1.subscriptions.create, said) == (None, "items[0][price]")
    meter = v1.billing.meters.create(
        {"display_name": "Hours", "event_name": "refused_hours", "default_aggregation": {"formula": "sum"}}
    )
    usage = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    used = v1.prices.create({**monthly, "recurring": usage})
    said = {"customer": owner.id, "items": [{"price": used.id, "quantity": 2}]}
    assert refused(v1.subscriptions.create, said) == (None, "items[0][quantity]")
    assert list(v1.subscriptions.list({"customer": owner.id})) == []


def test_a_customer_has_a_prefix_a_currency_and_a_tax_id_of_his_own(client: Any, acme: Any) -> None:
    create = client.v1.customers.create
    create({"name": "First", "invoice_prefix": "FIRST"})
    for prefix in ("FIRST", "ab", "has space"):
        assert refused(create, {"name": "Second", "invoice_prefix": prefix}) == (None, "invoice_prefix")
    assert refused(client.v1.customers.update, acme.id, {"invoice_prefix": "FIRST"}) == (None, "invoice_prefix")
    assert refused(client.v1.customers.update, acme.id, {"test_clock": "clock_x"}) == (
        "parameter_unknown",
        "test_clock",
    )
    vat = {"type": "eu_vat", "value": "US123456789"}
    assert refused(client.v1.customers.tax_ids.create, acme.id, vat) == ("tax_id_invalid", "value")
    assert create({"name": "Owes", "balance": 500}).currency == "usd"
    draft = client.v1.invoices.create({"customer": acme.id, "currency": "jpy"})
    client.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 5000}]})
    assert client.v1.customers.retrieve(acme.id).currency == "jpy"
    assert refused(client.v1.invoices.create, {"customer": acme.id, "currency": "usd"}) == (None, "currency")


def test_a_page_lies_on_one_side_of_an_object_that_there_is(client: Any, acme: Any) -> None:
    both = {"starting_after": acme.id, "ending_before": acme.id}
    assert refused(client.v1.customers.list, both) == (None, None)
    invoice = billed(client, acme, 5000)
    lines = client.v1.invoices.line_items.list
    assert refused(lines, invoice.id, {"starting_after": "il_x"}) == ("resource_missing", "starting_after")
    assert refused(client.v1.prices.list, {"lookup_keys": [str(each) for each in range(11)]}) == (None, "lookup_keys")


def test_a_line_s_parameter_is_named_with_its_line_and_no_line_is_added(client: Any, acme: Any) -> None:
    draft = client.v1.invoices.create({"customer": acme.id, "currency": "usd"})
    said = {"lines": [{"amount": 100}, {"amount": 200, "tax_rates": ["txr_x"]}]}
    where = ("resource_missing", "lines[1][tax_rates][0]")
    assert refused(client.v1.invoices.add_lines, draft.id, said) == where
    assert client.v1.invoices.retrieve(draft.id).lines.data == []


def test_rates_and_spans_have_their_limits(client: Any) -> None:
    rate = {"display_name": "Tax", "inclusive": False, "percentage": "5.12345"}
    assert refused(client.v1.tax_rates.create, rate) == (None, "percentage")
    price = {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Hour"}}
    long = {"recurring": {"interval": "month", "interval_count": 37}}
    assert refused(client.v1.prices.create, {**price, **long}) == (None, "recurring[interval_count]")
    intent = {"amount": 100_000_000, "currency": "usd"}
    assert refused(client.v1.payment_intents.create, intent) == ("amount_too_large", "amount")


def test_usage_of_a_customer_whom_nobody_knows_is_told_of_later(client: Any) -> None:
    meter = client.v1.billing.meters.create(
        {"display_name": "Hours", "event_name": "lost_hours", "default_aggregation": {"formula": "sum"}}
    )
    used = {"event_name": "lost_hours", "payload": {"stripe_customer_id": "cus_x", "value": "8"}}
    assert client.v1.billing.meter_events.create(used).object == "billing.meter_event"
    (event,) = client.v1.events.list({"type": "v1.billing.meter.error_report_triggered"}).data
    assert event.data.object.id == meter.id


@pytest.mark.parametrize("service", ["subscriptions", "quotes", "invoices"])
def test_a_list_is_not_asked_for_a_status_that_there_is_not(client: Any, service: str) -> None:
    assert refused(getattr(client.v1, service).list, {"status": "nonsense"}) == (None, "status")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"custom_fields": [{"name": str(each), "value": "x"} for each in range(5)]}, "custom_fields"),
        ({"custom_fields": [{"name": "n" * 41, "value": "x"}]}, "custom_fields[0][name]"),
        ({"footer": "f" * 5001}, "footer"),
        ({"number": "n" * 27}, "number"),
        ({"collection_method": "send_invoice", "days_until_due": -1}, "days_until_due"),
    ],
)
def test_what_an_invoice_says_has_its_limits(client: Any, acme: Any, fields: dict[str, Any], param: str) -> None:
    assert refused(client.v1.invoices.create, {"customer": acme.id, **fields})[1] == param
    assert list(client.v1.invoices.list({"customer": acme.id})) == []


def test_a_period_has_two_ends_in_their_order(client: Any, acme: Any) -> None:
    create = client.v1.invoice_items.create
    item = {"customer": acme.id, "amount": 5, "currency": "usd"}
    assert refused(create, {**item, "period": {"start": 10}}) == ("parameter_missing", "period[end]")
    assert refused(create, {**item, "period": {"start": 10, "end": 5}}) == (None, "period[end]")


def test_a_tax_rate_that_is_put_aside_stays_where_it_is_and_comes_nowhere_else(client: Any, acme: Any) -> None:
    v1 = client.v1
    rate = v1.tax_rates.create({"display_name": "Old", "percentage": 10, "inclusive": False}).id
    draft = v1.invoices.create({"customer": acme.id, "currency": "usd", "default_tax_rates": [rate]})
    v1.tax_rates.update(rate, {"active": False})
    assert v1.invoices.add_lines(draft.id, {"lines": [{"amount": 1000}]}).total == 1100
    rated = {"customer": acme.id, "default_tax_rates": [rate]}
    assert refused(v1.invoices.create, rated) == (None, "default_tax_rates[0]")
    item = {"customer": acme.id, "amount": 5, "currency": "usd", "tax_rates": [rate]}
    assert refused(v1.invoice_items.create, item) == (None, "tax_rates[0]")
    lines = {"lines": [{"amount": 5, "tax_rates": [rate]}]}
    assert refused(v1.invoices.add_lines, draft.id, lines) == (None, "lines[0][tax_rates][0]")


def test_a_search_asks_of_a_time_what_a_time_can_be(client: Any, acme: Any) -> None:
    search = client.v1.customers.search
    assert refused(search, {"query": "created~'abc'"}) == (None, "query")
    assert list(search({"query": f"email:null AND created:null AND created<{acme.created}"})) == []
    assert acme.id in [each.id for each in search({"query": "name:'Acme' AND -created:null", "limit": 100})]
    assert refused(client.v1.invoices.list, {"due_date": {"gt": 10**12}}) == (None, "due_date[gt]")
    assert list(client.v1.setup_intents.list({"attach_to_self": True})) == []

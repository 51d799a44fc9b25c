"""What clients of Kantata do that our own calls do not: the vendor's gem sends back all that it read and asks for what belongs together,
others send forms and query strings, and all of them read what the vendor's recorded answers hold."""

from __future__ import annotations

import itertools
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from kantata_client import Body, Client, first, ids

COUNT = itertools.count(1)
OWN_WORDS = "consultant_role_name client_role_name exclude_archived_stories_percent_complete posts_require_privacy_decision external_link"


@pytest.fixture(scope="module")
def landscape(launch_shared: Any) -> Any:
    """A landscape whose PSA speaks as Kantata, without a firm."""
    return launch_shared(systems={"crm": {}, "psa": {"vendor": "kantata"}, "erp": {}, "billing": {}})


@pytest.fixture(scope="module")
def client(landscape: Any) -> Client:
    psa = next(each for each in landscape.call("GET", "/landscape").json["systems"] if each["name"] == "psa")
    return Client(landscape, psa)


@pytest.fixture
def workspace(client: Client) -> Body:
    """A project that asks for no approvals."""
    said = {"require_time_approvals": False, "require_expense_approvals": False}
    return client.make("workspaces", "workspace", title=f"Globex {next(COUNT)}", price=50000, **said)


def story(client: Client, workspace: Body, **said: Any) -> Body:
    values = {"workspace_id": workspace["id"], "story_type": "task", "title": f"Story {next(COUNT)}", **said}
    return client.make("stories", "story", **values)


def booked(client: Client, workspace: Body, **said: Any) -> Body:
    values = {
        "workspace_id": workspace["id"],
        "date_performed": "2026-01-02",
        "time_in_minutes": 60,
        "rate_in_cents": 15000,
    }
    return client.make("time_entries", "time_entry", **{**values, **said})


def update(client: Client, path: str, root: str, **said: Any) -> Body:
    return first(client.send("PUT", path, {root: said}))


def fields_at_fault(client: Client, method: str, path: str, body: Body) -> set[str]:
    status, errors = client.refused(method, path, body)
    assert status == 422
    return {each["field"] for each in errors}


# what the gem sends


def test_a_price_may_be_sent_back_as_it_was_read(client: Client, workspace: Body) -> None:
    form = urlencode({"workspace[title]": "Renamed", "workspace[price]": workspace["price"]})
    changed = first(client.send("PUT", f"workspaces/{workspace['id']}", form=form))
    assert (changed["title"], changed["price"], changed["price_in_cents"]) == ("Renamed", "$50,000", 5_000_000)
    assert fields_at_fault(client, "PUT", f"workspaces/{workspace['id']}", {"workspace": {"price": "$60,000"}}) == {
        "price"
    }


def test_an_empty_list_of_a_form_is_a_list_of_nobody(client: Client, workspace: Body) -> None:
    mine = client.keys["user_id"]
    task = story(client, workspace, assignee_ids=[mine])
    sent = client.send("PUT", f"stories/{task['id']}?include=assignees", form="story[assignee_ids][]=")
    assert first(sent)["assignee_ids"] == []


@pytest.mark.by_test("update_invoice")
def test_a_draft_invoice_is_changed_and_sent(client: Client, workspace: Body) -> None:
    one, two = booked(client, workspace), booked(client, workspace)
    said = {"workspace_id": workspace["id"], "payment_schedule": 14, "invoice_date": "2026-01-31"}
    made = client.make("invoices", "invoice", **said, time_entry_ids=[one["id"]], draft=True)
    assert made["title"] == f"Draft Invoice #{made['user_invoice_number']}"
    changed = update(
        client, f"invoices/{made['id']}", "invoice", draft=False, message="Thanks", payment_schedule=30, tax_rate=10
    )
    assert changed["title"] == f"Invoice #{made['user_invoice_number']}"
    assert (changed["due_date"], changed["message"], changed["balance_in_cents"]) == ("2026-03-02", "Thanks", 16_500)
    both = update(client, f"invoices/{made['id']}", "invoice", time_entry_ids=[two["id"]])
    assert both["balance_in_cents"] == 16_500
    billed = {each: first(client.get(f"time_entries/{each}"))["is_invoiced"] for each in (one["id"], two["id"])}
    assert billed == {one["id"]: False, two["id"]: True}
    client.send("PUT", f"invoices/{made['id']}/cancel", {})
    assert fields_at_fault(client, "PUT", f"invoices/{made['id']}", {"invoice": {"message": "late"}}) == {"base"}


# what belongs together


@pytest.mark.by_test("get_external_payment")
def test_entries_invoices_and_payments_lead_to_each_other(client: Client, workspace: Body) -> None:
    mine = client.keys["user_id"]
    entry = booked(client, workspace)
    free = first(client.get(f"time_entries/{entry['id']}", include="invoice"))
    said = {"workspace_id": workspace["id"], "payment_schedule": 30, "time_entry_ids": [entry["id"], entry["id"]]}
    made = client.make("invoices", "invoice", **said)
    assert (made["user_id"], made["balance_in_cents"]) == (mine, 15_000)
    assert isinstance(made["user_invoice_number"], int)
    assert made["tax_rate"] == 0.0
    assert (free["invoice_id"], first(client.get(f"time_entries/{entry['id']}", include="invoice"))["invoice_id"]) == (
        None,
        made["id"],
    )
    shown = client.get(f"invoices/{made['id']}", include="user,recipient")
    assert list(shown["users"]) == [mine]
    other = client.make("workspaces", "workspace", title="Elsewhere")
    payment = {"invoice_id": made["id"], "workspace_id": other["id"]}
    assert fields_at_fault(client, "POST", "external_payments", {"external_payment": payment}) == {"workspace_id"}
    paid = client.make("external_payments", "external_payment", **{**payment, "workspace_id": workspace["id"]})
    assert (paid["user_id"], paid["amount_in_cents"]) == (mine, 15_000)
    assert list(client.get(f"external_payments/{paid['id']}", include="workspace")["workspaces"]) == [workspace["id"]]


def test_a_billing_milestone_is_invoiced_on_its_day_or_when_its_story_is_completed(
    client: Client, workspace: Body
) -> None:
    stone = story(client, workspace, story_type="milestone")
    said = {"workspace_id": workspace["id"], "title": "Fee", "amount_in_cents": 700_000}
    done = client.make(
        "billing_milestones", "billing_milestone", **said, billing_type="upon_completion", story_id=stone["id"]
    )
    later = client.make(
        "billing_milestones", "billing_milestone", **said, billing_type="fixed_date", date_to_invoice="2026-06-01"
    )
    past = client.make(
        "billing_milestones", "billing_milestone", **said, billing_type="fixed_date", date_to_invoice="2026-01-02"
    )
    bill = {"workspace_id": workspace["id"], "payment_schedule": 30}
    for each in (done, later):
        refused = fields_at_fault(
            client, "POST", "invoices", {"invoice": {**bill, "billing_milestone_ids": [each["id"]]}}
        )
        assert refused == {"billing_milestone_ids"}
    update(client, f"stories/{stone['id']}", "story", state="completed")
    made = client.make("invoices", "invoice", **bill, billing_milestone_ids=[done["id"], past["id"]])
    assert made["balance_in_cents"] == 1_400_000
    assert first(client.get(f"billing_milestones/{done['id']}", include="invoices"))["invoice_ids"] == [made["id"]]


def test_rate_cards_lead_through_their_sets_and_versions_to_roles(client: Client) -> None:
    chosen = client.make("rate_card_sets", "rate_card_set", title=f"Set {next(COUNT)}")
    card = client.make("rate_cards", "rate_card", rate_card_set_id=chosen["id"], currency="USD")
    at = client.get(f"rate_cards/{card['id']}", include="rate_card_set,rate_card_versions,effective_rate_card_version")
    version = first(at)["effective_rate_card_version_id"]
    assert list(at["rate_card_sets"]) == [chosen["id"]]
    assert first(at)["rate_card_version_ids"] == [version]
    role = client.make("rate_card_roles", "rate_card_role", rate_card_version_id=version, role_id="3", rate=20000)
    shown = client.get(f"rate_card_versions/{version}", include="rate_card,rate_card_set_version,rate_card_roles")
    assert first(shown)["rate_card_role_ids"] == [role["id"]]
    day = first(shown)["rate_card_set_version_id"]
    whole = client.get(f"rate_card_sets/{chosen['id']}", include="rate_cards,rate_card_set_versions")
    assert (first(whole)["rate_card_ids"], first(whole)["rate_card_set_version_ids"]) == ([card["id"]], [day])
    assert first(whole)["active_currencies"] == ["USD"]
    of_day = client.get(f"rate_card_set_versions/{day}", include="rate_card_set,rate_card_versions")
    assert first(of_day)["rate_card_version_ids"] == [version]
    assert client.get(f"rate_card_roles/{role['id']}", include="role")["roles"]["3"]["name"] == "Senior"


@pytest.mark.parametrize(
    ("path", "include", "held"),
    [
        ("account_memberships", "default_role", "roles"),
        ("account_memberships", "managees,skill_memberships", "skill_memberships"),
        ("workspace_resources", "role", "roles"),
        ("participations", "workspace_role", "roles"),
        ("stories", "tags,story_tasks", "story_tasks"),
        ("stories", "creator,followers", "users"),
        ("time_entries", "recent_submission", "timesheet_submissions"),
    ],
)
def test_what_may_be_included_has_its_map_even_where_it_is_empty(
    client: Client, workspace: Body, path: str, include: str, held: str
) -> None:
    booked(client, workspace, story_id=story(client, workspace)["id"])
    assert held in client.get(path, include=include)


def test_what_comes_only_with_only_is_dropped_without_it(client: Client, workspace: Body) -> None:
    task = story(client, workspace)
    include = "replies,story_state_changes,attachments,potential_workspace_resources"
    listed = client.get("stories", workspace_id=workspace["id"], include=include)
    assert not {"posts", "attachments", "workspace_resources"} & set(listed)
    alone = client.get("stories", only=task["id"], include=include)
    assert {"posts", "story_state_changes", "attachments"} < set(alone)
    assert len(first(alone)["potential_workspace_resource_ids"]) == 1


def test_choices_of_a_custom_field_are_objects_too(client: Client) -> None:
    said = {"name": f"Tier {next(COUNT)}", "value_type": "single", "subject_type": "workspace", "choices": ["A", "B"]}
    field = client.make("custom_fields", "custom_field", **said)
    shown = client.get(f"custom_fields/{field['id']}", include="choices")
    assert first(shown)["choice_ids"] == ["1", "2"]
    assert shown["custom_field_choices"]["2"] == {"label": "B", "custom_field_id": field["id"], "id": "2"}


def test_an_expense_names_its_category_by_id_and_by_name(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "date": "2026-01-02", "amount_in_cents": 900, "category": "Food"}
    made = client.make("expenses", "expense", **said)
    shown = client.get(f"expenses/{made['id']}", include="expense_category,story")
    assert shown["expense_categories"][first(shown)["expense_category_id"]]["name"] == "Food"
    assert first(shown)["foreign_exchange_amount"] == {}


# what recorded answers hold


def test_a_workspace_says_all_that_recorded_ones_say(client: Client, workspace: Body) -> None:
    assert set(OWN_WORDS.split()) < set(workspace)
    assert {"can_edit", "is_participant", "can_change_price", "user_is_client"} < set(workspace["permissions"])
    assert {"rate_card_id", "workspace_group_ids", "archived", "stage"} < set(workspace["update_whitelist"])
    named = update(
        client, f"workspaces/{workspace['id']}", "workspace", client_role_name="Buyers", external_link="http://x.test"
    )
    assert (named["client_role_name"], named["external_link"]) == ("Buyers", "http://x.test")
    shelved = update(client, f"workspaces/{workspace['id']}", "workspace", archived=True)
    assert (shelved["permissions"]["can_edit"], shelved["permissions"]["is_participant"]) == (False, True)


def test_a_story_adds_up_what_lies_below_it(client: Client, workspace: Body) -> None:
    below = [{"title": "a", "time_estimate_in_minutes": 60}, {"title": "b", "time_estimate_in_minutes": 30}]
    top = story(client, workspace, story_type="milestone", sub_stories=below)
    leaf = first(client.get("stories", with_parent_id=top["id"]))
    assert leaf["sub_stories_time_estimate_in_minutes"] is None
    booked(client, workspace, story_id=leaf["id"], time_in_minutes=20)
    shown = first(client.get(f"stories/{top['id']}"))
    assert (shown["sub_stories_time_estimate_in_minutes"], shown["sub_stories_billable_time_in_minutes"]) == (90, 20)
    assert shown["sub_stories_budget_used_in_cents"] == 5000


def test_a_resolved_submission_says_why_and_when(client: Client) -> None:
    strict = client.make("workspaces", "workspace", title=f"Strict {next(COUNT)}")
    entry = booked(client, strict)
    said = {"workspace_id": strict["id"], "line_item_ids": [entry["id"]], "title": "wk"}
    sheet = client.make("timesheet_submissions", "timesheet_submission", **said)
    done = first(
        client.send("PUT", f"timesheet_submissions/{sheet['id']}/reject", {"resolution": {"description": "no"}})
    )
    assert (sheet["current_resolution_description"], done["current_resolution_description"]) == (None, "no")
    assert done["current_resolution_created_at_date"] == "2026-01-05"


# stories and seats


def test_archived_stories_are_hidden_as_archived_projects_are(client: Client, workspace: Body) -> None:
    kept, shelved = story(client, workspace), story(client, workspace)
    update(client, f"stories/{shelved['id']}", "story", archived=True)
    assert ids(client.get("stories", workspace_id=workspace["id"])) == [kept["id"]]
    assert client.refused("GET", f"stories/{shelved['id']}")[0] == 404
    assert ids(client.get("stories", workspace_id=workspace["id"], archived="only")) == [shelved["id"]]
    assert client.get("stories", workspace_id=workspace["id"], show_archived="true")["count"] == 2
    update(client, f"workspaces/{workspace['id']}", "workspace", archived=True)
    assert client.get("stories", workspace_id=workspace["id"])["count"] == 0
    assert ids(client.get("stories", workspace_id=workspace["id"], show_from_archived_workspaces="true")) == [
        kept["id"]
    ]


def test_a_story_is_completed_wholly_and_refuses_what_it_cannot_be(client: Client, workspace: Body) -> None:
    task = story(client, workspace, percentage_complete=10, priority="high")
    assert (task["percentage_complete"], task["priority"]) == (10, "high")
    wrong = {"state": "nearly", "percentage_complete": 120, "priority": "whatever", "weight": "heavy"}
    assert fields_at_fault(client, "PUT", f"stories/{task['id']}", {"story": wrong}) == set(wrong)
    for blank in ("  ", None, ["x"], {"a": 1}):
        assert fields_at_fault(client, "PUT", f"stories/{task['id']}", {"story": {"title": blank}}) == {"title"}
    assert update(client, f"stories/{task['id']}", "story", state="completed")["percentage_complete"] == 100


def test_a_seat_without_a_name_does_stories_and_whoever_is_named_for_it_takes_them_over(
    client: Client, workspace: Body
) -> None:
    said = {"workspace_id": workspace["id"], "role_id": "2"}
    seat = client.make("workspace_resources", "workspace_resource", **said)
    task = story(client, workspace)
    made = client.make("assignments", "assignment", story_id=task["id"], resource_id=seat["id"], estimated_minutes=600)
    assert (made["assignee_id"], made["resource_id"]) == (None, seat["id"])
    again = {"assignment": {"story_id": task["id"], "resource_id": seat["id"]}}
    assert fields_at_fault(client, "POST", "assignments", again) == {"resource_id"}
    assert client.get("assignments", story_id=task["id"])["count"] == 0
    assert ids(client.get("assignments", story_id=task["id"], include_unnamed="true")) == [made["id"]]
    update(client, f"stories/{task['id']}", "story", assignee_ids=[client.keys["user_id"]])
    person = next(each for each in ids(client.get("users")) if each != client.keys["user_id"])
    update(client, f"workspace_resources/{seat['id']}", "workspace_resource", user_id=person)
    assert first(client.get(f"assignments/{made['id']}"))["assignee_id"] == person
    update(client, f"stories/{task['id']}", "story", archived=True)
    assert client.get("assignments", story_id=task["id"])["count"] == 0
    assert client.get("assignments", story_id=task["id"], in_unarchived_stories="false")["count"] == 2


# time


def test_time_that_needs_no_approval_is_changed_until_it_is_invoiced(client: Client, workspace: Body) -> None:
    entry = booked(client, workspace)
    assert entry["approved"] is True
    changed = update(client, f"time_entries/{entry['id']}", "time_entry", time_in_minutes=90)
    assert (changed["time_in_minutes"], changed["approved"]) == (90, True)
    assert first(client.get(f"workspaces/{workspace['id']}"))["budget_used_in_cents"] == 22_500
    bill = {"workspace_id": workspace["id"], "payment_schedule": 30, "time_entry_ids": [entry["id"]]}
    made = client.make("invoices", "invoice", **bill)
    assert made["balance_in_cents"] == 22_500
    late = {"time_entry": {"time_in_minutes": 1}}
    assert fields_at_fault(client, "PUT", f"time_entries/{entry['id']}", late) == {"base"}
    client.send("PUT", f"invoices/{made['id']}/cancel", {})
    assert client.call("DELETE", f"time_entries/{entry['id']}").status == 204


def test_notes_that_are_required_are_no_blanks_and_stay(client: Client) -> None:
    said = {"title": f"Wordy {next(COUNT)}", "require_notes_on_time_entries": True, "require_time_approvals": False}
    wordy = client.make("workspaces", "workspace", **said)
    blank = {"workspace_id": wordy["id"], "date_performed": "2026-01-02", "time_in_minutes": 60, "notes": "  "}
    assert fields_at_fault(client, "POST", "time_entries", {"time_entry": blank}) == {"notes"}
    entry = booked(client, wordy, notes="Done")
    assert fields_at_fault(client, "PUT", f"time_entries/{entry['id']}", {"time_entry": {"notes": ""}}) == {"notes"}
    assert update(client, f"time_entries/{entry['id']}", "time_entry", time_in_minutes=30)["notes"] == "Done"


def test_time_in_a_role_that_nobody_has_or_without_any_rate_is_refused_by_name(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "date_performed": "2026-01-02", "time_in_minutes": 60}
    assert fields_at_fault(client, "POST", "time_entries", {"time_entry": {**said, "role_id": 99}}) == {"role_id"}
    assert fields_at_fault(client, "POST", "time_entries", {"time_entry": said}) == {"rate_in_cents"}


# words and amounts


def test_names_are_found_in_whatever_case_their_letters_are(client: Client) -> None:
    made = client.make("workspaces", "workspace", title="Projekt Ölmühle")
    for name in ("matching", "search"):
        assert ids(client.get("workspaces", **{name: "ÖLMÜ"})) == [made["id"]]


def test_items_of_an_invoice_name_stories_of_its_projects_and_amounts_that_its_currency_has(
    client: Client, workspace: Body
) -> None:
    elsewhere = story(client, client.make("workspaces", "workspace", title="Elsewhere"))
    bill = {"workspace_id": workspace["id"], "payment_schedule": 30}
    for item in ({"amount": "1.005"}, {"amount": 5, "story_id": elsewhere["id"]}, {"amount": 5, "story_id": 99}):
        said = {"invoice": {**bill, "fixed_fee_items": [item]}}
        assert fields_at_fault(client, "POST", "invoices", said) == {"fixed_fee_items"}
    own = story(client, workspace)
    body = {"invoice": {**bill, "fixed_fee_items": [{"amount": "0.10", "story_id": own["id"]}, {"amount": 0.2}]}}
    made = client.send("POST", "invoices?include=fixed_fee_items", body)
    assert [each["amount_in_cents"] for each in made["fixed_fee_items"].values()] == [10, 20]
    assert {each["workspace_id"] for each in made["fixed_fee_items"].values()} == {workspace["id"]}
    assert first(made)["balance_in_cents"] == 30


# refusals


def test_all_that_is_wrong_with_an_invitation_or_a_reference_is_said_at_once(client: Client, workspace: Body) -> None:
    invited = {"invitation": {"full_name": "", "email_address": "nowhere", "invitee_role": "boss"}}
    at_fault = fields_at_fault(client, "POST", f"workspaces/{workspace['id']}/invite", invited)
    assert at_fault == {"full_name", "email_address", "invitee_role"}
    asked = {"account_invitation": {"email_address": "nowhere", "permission": "god"}}
    assert fields_at_fault(client, "POST", "account_invitations", asked) == {"full_name", "email_address", "permission"}
    at_fault = fields_at_fault(client, "POST", "external_references/create_or_update", {"external_reference": {}})
    assert at_fault == {"subject_type", "service_name", "service_model", "service_model_ref"}


def test_a_code_is_good_for_the_address_that_it_was_sent_to(client: Client, landscape: Any) -> None:
    assert traded(client, landscape, "http://other.test/back").json["error"] == "invalid_grant"
    assert traded(client, landscape, "http://app.test/back").status == 200


def traded(client: Client, landscape: Any, back: str, *, basic: str = "") -> Any:
    """A code for `http://app.test/back` traded for a token. basic: the secret, where the client says it in a header."""
    query = urlencode({"client_id": client.keys["client_id"], "redirect_uri": "http://app.test/back"})
    sent = landscape.call("GET", f"/oauth/authorize?{query}", base=client.url)
    asked = {"grant_type": "authorization_code", "code": sent.headers["location"].partition("code=")[2]}
    asked["redirect_uri"] = back
    if not basic:
        named = {name: client.keys[name] for name in ("client_id", "client_secret")}
        return landscape.call("POST", "/oauth/token", {**asked, **named}, base=client.url)
    headers = {
        "Authorization": "Basic " + b64encode(f"{client.keys['client_id']}:{basic}".encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return landscape.call("POST", "/oauth/token", urlencode(asked).encode(), headers, base=client.url)


def test_a_client_may_name_itself_by_basic_authentication(client: Client, landscape: Any) -> None:
    """As oauth libraries do unless they are told otherwise."""
    back = "http://app.test/back"
    reply = traded(client, landscape, back, basic=client.keys["client_secret"])
    assert reply.json == {"access_token": client.keys["access_token"], "token_type": "bearer"}
    assert traded(client, landscape, back, basic="wrong").json["error"] == "invalid_client"


# what forms and careless clients send


def test_figures_and_truths_of_a_form_are_read_back_as_what_they_are(client: Client, workspace: Body) -> None:
    form = {"title": "Form", "story_type": "task", "time_estimate_in_minutes": "90", "budget_estimate_in_cents": "1000"}
    sent = {
        f"story[{name}]": value for name, value in {**form, "workspace_id": workspace["id"], "fixed_fee": "1"}.items()
    }
    made = first(client.send("POST", "stories", form=urlencode(sent)))
    assert (made["time_estimate_in_minutes"], made["budget_estimate_in_cents"], made["fixed_fee"]) == (90, 1000, True)
    said = update(
        client, f"workspaces/{workspace['id']}", "workspace", target_margin="42.5", archived="0", description="true"
    )
    assert (said["target_margin"], said["archived"], said["description"]) == (42.5, False, "true")
    cleared = update(
        client, f"workspaces/{workspace['id']}", "workspace", description=None, tasks_default_non_billable=None
    )
    assert (cleared["description"], cleared["tasks_default_non_billable"]) == ("", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", ["a"]),
        ("description", {"a": 1}),
        ("archived", "maybe"),
        ("require_time_approvals", 2),
        ("target_margin", "lots"),
        ("title", ["a"]),
    ],
)
def test_what_an_attribute_cannot_be_is_refused_and_not_kept(
    client: Client, workspace: Body, name: str, value: Any
) -> None:
    assert fields_at_fault(client, "PUT", f"workspaces/{workspace['id']}", {"workspace": {name: value}}) == {name}
    assert first(client.get(f"workspaces/{workspace['id']}"))[name] == workspace[name]


def test_long_titles_are_kept_whole(client: Client, workspace: Body) -> None:
    for kind in ("task", "milestone"):
        made = story(client, workspace, title="ä" * 200, story_type=kind)
        assert first(client.get(f"stories/{made['id']}"))["title"] == "ä" * 200
        assert update(client, f"stories/{made['id']}", "story", title="short")["title"] == "short"
    said = {"workspace_id": workspace["id"], "amount_in_cents": 1}
    fee = client.make("billing_milestones", "billing_milestone", **said, title="f" * 150)
    assert fee["title"] == "f" * 150
    assert update(client, f"billing_milestones/{fee['id']}", "billing_milestone", title="g" * 130)["title"] == "g" * 130


def test_entries_are_of_stories_of_their_own_project(client: Client, workspace: Body) -> None:
    strict = client.make("workspaces", "workspace", title=f"Strict {next(COUNT)}")
    here, there = story(client, strict), story(client, workspace)
    entry = booked(client, strict, story_id=here["id"])
    other = {"time_entry": {"story_id": there["id"]}}
    assert fields_at_fault(client, "PUT", f"time_entries/{entry['id']}", other) == {"story_id"}
    assert update(client, f"time_entries/{entry['id']}", "time_entry", story_id=None)["story_id"] is None
    moved = update(
        client, f"time_entries/{entry['id']}", "time_entry", workspace_id=workspace["id"], story_id=there["id"]
    )
    assert (moved["workspace_id"], moved["story_id"]) == (workspace["id"], there["id"])
    said = {"workspace_id": strict["id"], "date": "2026-01-02", "category": "Food", "amount_in_cents": 100}
    for wrong in (there["id"], 99):
        body = {"expense": {**said, "story_id": wrong}}
        assert fields_at_fault(client, "POST", "expenses", body) == {"story_id"}
    spent = client.make("expenses", "expense", **said, story_id=int(here["id"]), billable="0")
    assert (spent["story_id"], spent["is_billable"]) == (here["id"], False)


def test_what_is_included_has_its_map_on_an_empty_page_too(client: Client) -> None:
    empty = client.get("invoices", only="99", include="time_entries,fixed_fee_items")
    assert (empty["time_entries"], empty["fixed_fee_items"], empty["count"]) == ({}, {}, 0)


def test_values_of_one_subject_are_found_by_either_name(client: Client, workspace: Body) -> None:
    for name in ("subject_id", "with_subject_id"):
        found = client.get("custom_field_values", subject_type="workspace", **{name: workspace["id"]})
        assert {each["subject_id"] for each in found["custom_field_values"].values()} == {int(workspace["id"])}


def test_a_collaborator_changes_neither_projects_nor_seats_nor_what_is_billed(client: Client, workspace: Body) -> None:
    token = client.keys["member_access_token"]
    fee = {"title": "Fee", "amount_in_cents": 1, "workspace_id": workspace["id"]}
    seat = {"workspace_id": workspace["id"], "user_id": client.keys["user_id"], "role": "maven"}
    for method, path, body in (
        ("PUT", f"workspaces/{workspace['id']}", {"workspace": {"price": 1}}),
        ("POST", "billing_milestones", {"billing_milestone": fee}),
        ("POST", "participations", {"participation": seat}),
        ("PUT", "invoices/1", {"invoice": {"message": "x"}}),
    ):
        status, errors = client.refused(method, path, body, token=token)
        assert (status, errors[0]["type"]) == (403, "system")


def test_access_to_a_project_is_one_of_the_vendors_levels(client: Client, workspace: Body) -> None:
    seat = ids(client.get("participations", workspace_id=workspace["id"]))[0]
    body = {"participation": {"access_level": "emperor"}}
    assert fields_at_fault(client, "PUT", f"participations/{seat}", body) == {"access_level"}
    project = {"title": "x", "participations": [{"user_id": client.keys["user_id"], "access": "emperor"}]}
    assert fields_at_fault(client, "POST", "workspaces", {"workspace": project}) == {"access_level"}


def test_a_booking_is_cut_so_that_both_parts_take_the_same_share_of_working_days(
    client: Client, workspace: Body
) -> None:
    seat = ids(client.get("workspace_resources", workspace_id=workspace["id"]))[0]
    said = {"resource_id": seat, "start_date": "2026-02-02", "end_date": "2026-02-13", "minutes": 4800}
    whole = client.make("workspace_allocations", "workspace_allocation", **said)
    cut = f"workspace_allocations/split?workspace_allocation_id={whole['id']}&split_date=2026-02-09"
    parts = client.send("PUT", cut)["workspace_allocations"].values()
    assert [(each["minutes"], each["percentage"]) for each in parts] == [(2400, 100), (2400, 100)]


# groups, members, and what is not there


def groups_of(client: Client, workspace: Body) -> tuple[set[str], str | None]:
    found = first(client.get(f"workspaces/{workspace['id']}", include="workspace_groups,primary_workspace_group"))
    return set(found["workspace_group_ids"]), found["primary_workspace_group_id"]


def test_a_workspace_is_in_several_groups_of_which_the_primary_is_the_customer(
    client: Client, workspace: Body, landscape: Any
) -> None:
    one, two, three = (
        client.make("workspace_groups", "workspace_group", name=f"Group {next(COUNT)}")["id"] for _ in range(3)
    )
    said = {"workspace_group_ids": [one, two], "primary_workspace_group_id": two}
    update(client, f"workspaces/{workspace['id']}", "workspace", **said)
    assert groups_of(client, workspace) == ({one, two}, two)
    assert landscape.call("GET", f"/systems/psa/projects/{workspace['id']}").json["customer"] == two
    for each in (one, two):
        assert ids(client.get("workspaces", workspace_groups=each)) == [workspace["id"]]
        assert first(client.get(f"workspace_groups/{each}", include="workspaces"))["workspace_ids"] == [workspace["id"]]
    update(client, f"workspace_groups/{three}", "workspace_group", add_workspace_ids=[workspace["id"]])
    assert groups_of(client, workspace) == ({one, two, three}, two)
    update(client, f"workspace_groups/{two}", "workspace_group", remove_workspace_ids=[workspace["id"]])
    assert groups_of(client, workspace) == ({one, three}, one)
    update(client, f"workspaces/{workspace['id']}", "workspace", workspace_group_ids=[])
    assert groups_of(client, workspace) == (set(), None)


def test_a_collaborator_changes_only_what_is_his_own(client: Client) -> None:
    strict = client.make("workspaces", "workspace", title=f"Strict {next(COUNT)}")
    token = client.keys["member_access_token"]
    entry, other = booked(client, strict), booked(client, strict)
    said = {"workspace_id": strict["id"], "line_item_ids": [entry["id"]], "title": "wk"}
    sheet = client.make("timesheet_submissions", "timesheet_submission", **said)
    spent = {"workspace_id": strict["id"], "date": "2026-01-02", "category": "Food", "amount_in_cents": 100}
    expense = client.make("expenses", "expense", **spent)
    foreign = {"timesheet_submission": {**said, "line_item_ids": [other["id"]]}}
    for method, path, body in (
        ("PUT", f"time_entries/{other['id']}", {"time_entry": {"notes": "x"}}),
        ("DELETE", f"time_entries/{other['id']}", None),
        ("PUT", f"expenses/{expense['id']}", {"expense": {"notes": "x"}}),
        ("DELETE", f"expenses/{expense['id']}", None),
        ("POST", "timesheet_submissions", foreign),
        ("PUT", f"timesheet_submissions/{sheet['id']}/cancel", {}),
    ):
        assert client.refused(method, path, body, token=token)[0] == 403, path
    own = {"workspace_id": strict["id"], "date_performed": "2026-01-02", "time_in_minutes": 60}
    mine = first(client.send("POST", "time_entries", {"time_entry": own}, token=token))
    changed = client.send("PUT", f"time_entries/{mine['id']}", {"time_entry": {"notes": "x"}}, token=token)
    assert first(changed)["notes"] == "x"


def test_buyers_are_participants_and_neither_mavens_nor_viewers_of_money(client: Client, workspace: Body) -> None:
    mine = client.keys["user_id"]
    person = next(each for each in ids(client.get("users")) if each != mine)
    client.make("participations", "participation", workspace_id=workspace["id"], user_id=person, role="buyer")
    assert workspace["id"] in ids(client.get("workspaces", has_participant=person, per_page=200))
    assert workspace["id"] not in ids(client.get("workspaces", has_maven_participant=person, per_page=200))
    shown = first(client.get(f"workspaces/{workspace['id']}", include="participants,financial_viewers"))
    assert (set(shown["participant_ids"]), shown["financial_viewer_ids"]) == ({mine, person}, [mine])


def test_a_project_is_made_of_nothing_that_the_account_has_none_of_and_keeps_its_currency(
    client: Client, workspace: Body
) -> None:
    asked = {"title": "x", "project_tracker_template_id": 5, "estimate_scenario_id": 7}
    at_fault = fields_at_fault(client, "POST", "workspaces", {"workspace": asked})
    assert at_fault == {"project_tracker_template_id", "estimate_scenario_id"}
    path = f"workspaces/{workspace['id']}"
    assert fields_at_fault(client, "PUT", path, {"workspace": {"currency": "EUR"}}) == {"currency"}
    assert update(client, path, "workspace", currency="USD", revenue_recognition_method_id="12:x")["currency"] == "USD"
    shown = client.get(path, optional_fields="revenue_recognition_method_id")
    assert first(shown)["revenue_recognition_method_id"] == "12:x"


def test_stories_keep_check_lists_and_tags_and_are_roots_of_nobody_else(client: Client, workspace: Body) -> None:
    top = story(client, workspace, checklist=[{"name": "a"}], tag_list="red, blue")
    assert (top["checklist"], top["tag_list"], top["root_id"]) == ([{"name": "a"}], ["red", "blue"], None)
    assert update(client, f"stories/{top['id']}", "story", tag_list=["red", ""])["tag_list"] == ["red"]


@pytest.mark.by_test("list_external_payment")
def test_values_lead_to_their_fields_and_payments_are_found_by_their_invoice(client: Client, workspace: Body) -> None:
    field = client.make(
        "custom_fields", "custom_field", name=f"F {next(COUNT)}", value_type="string", subject_type="workspace"
    )
    value = {"subject_type": "workspace", "subject_id": workspace["id"], "custom_field_id": field["id"], "value": "x"}
    made = client.make("custom_field_values", "custom_field_value", **value)
    asked = {"subject_type": "Workspace", "with_custom_field_id": field["id"], "include": "custom_field,setter"}
    found = client.get("custom_field_values", **asked)
    assert ids(found) == [made["id"]]
    assert (list(found["custom_fields"]), list(found["users"])) == ([field["id"]], [made["setter_id"]])
    assert field["id"] in ids(client.get("custom_fields", subject_type="Workspace", per_page=200))
    assert fields_at_fault(client, "POST", "custom_fields", {}) == {"name", "value_type", "subject_type"}
    bill = {"workspace_id": workspace["id"], "payment_schedule": 1, "additional_items": [{"amount": 1}]}
    bills = [client.make("invoices", "invoice", **bill)["id"] for _ in range(2)]
    paid = [
        client.make("external_payments", "external_payment", invoice_id=each, workspace_id=workspace["id"])["id"]
        for each in bills
    ]
    assert ids(client.get("external_payments", invoice_id=bills[1])) == [paid[1]]
    assert set(ids(client.get("external_payments", workspace_id=workspace["id"]))) == set(paid)


# references and people


def test_whatever_is_made_or_changed_takes_a_reference_along_and_is_found_by_it(client: Client) -> None:
    mine = client.keys["user_id"]
    home = client.make("workspaces", "workspace", title=f"Home {next(COUNT)}")["id"]
    task = story(client, {"id": home})["id"]
    seat = ids(client.get("workspace_resources", workspace_id=home))[0]
    person = next(each for each in ids(client.get("users")) if each != mine)
    entry, spent = booked(client, {"id": home}), {"workspace_id": home, "date": "2026-01-02", "category": "Food"}
    expense = client.make("expenses", "expense", **spent, amount_in_cents=1)
    several: dict[str, tuple[str, Body]] = {
        "participations": ("participation", {"workspace_id": home, "user_id": person, "role": "maven"}),
        "workspace_resources": ("workspace_resource", {"workspace_id": home, "role_id": "2"}),
        "assignments": ("assignment", {"story_id": task, "assignee_id": mine}),
        "workspace_allocations": (
            "workspace_allocation",
            {"resource_id": seat, "start_date": "2026-02-02", "end_date": "2026-02-03", "minutes": 60},
        ),
        "skills": ("skill", {"name": f"Skill {next(COUNT)}"}),
        "account_invitations": ("account_invitation", {"full_name": "N N", "email_address": f"n{next(COUNT)}@x.test"}),
        "timesheet_submissions": (
            "timesheet_submission",
            {"workspace_id": home, "line_item_ids": [entry["id"]], "title": "t"},
        ),
        "expense_report_submissions": (
            "expense_report_submission",
            {"workspace_id": home, "line_item_ids": [expense["id"]], "title": "t"},
        ),
    }
    for number, (path, (root, said)) in enumerate(several.items(), 1000):
        reference = {"service_name": "hr", "service_model": "Row", "service_model_ref": str(number)}
        sent = client.send(
            "POST", f"{path}?include=external_references", {root: {**said, "external_reference": reference}}
        )
        held = [each["service_model_ref"] for each in sent["external_references"].values()]
        assert held == [str(number)], path
        asked = {"external_reference_service_model_ref": number, "external_reference_service_name": "hr"}
        assert ids(client.get(path, **asked)) == ids(sent), path
    skill = ids(client.get("skills", external_reference_service_name="hr"))[0]
    other = {"service_name": "hr", "service_model": "Row", "service_model_ref": "2"}
    changed = client.send(
        "PUT", f"skills/{skill}?include=external_references", {"skill": {"external_reference": other}}
    )
    assert [each["service_model_ref"] for each in changed["external_references"].values()] == ["2"]


@pytest.mark.by_test("update_employee")
def test_a_person_is_renamed_and_written_to_at_another_address(client: Client, landscape: Any) -> None:
    person = ids(client.get("users"))[-1]
    said = {"full_name": "Zoë Quinn", "headline": "Lead", "email_address": "zoe@x.test"}
    changed = update(client, f"users/{person}", "user", **said)
    assert {name: changed[name] for name in said} == said
    assert landscape.call("GET", f"/systems/psa/employees/{person}").json["name"] == "Zoë Quinn"
    assert ids(client.get("users", by_email_address="ZOE@x.test")) == [person]
    wrong = {"user": {"full_name": " ", "email_address": "nowhere"}}
    assert fields_at_fault(client, "PUT", f"users/{person}", wrong) == {"full_name", "email_address"}
    foreign = client.refused(
        "PUT", f"users/{client.keys['user_id']}", {"user": said}, token=client.keys["member_access_token"]
    )
    assert foreign[0] == 403


def test_money_of_a_workspace_is_shown_in_whole_units_and_kept_to_the_cent(client: Client) -> None:
    loose = {"require_time_approvals": False, "price": "1000.25"}
    made = client.make("workspaces", "workspace", title=f"Cents {next(COUNT)}", **loose)
    assert (made["price"], made["price_in_cents"]) == ("$1,000", 100_025)
    booked(client, made, time_in_minutes=30, rate_in_cents=1001)
    shown = first(client.get(f"workspaces/{made['id']}"))
    assert (shown["budget_used"], shown["budget_used_in_cents"], shown["budget_remaining"]) == ("$5", 501, "$995")
    assert update(client, f"workspaces/{made['id']}", "workspace", price="$1,000")["price_in_cents"] == 100_025


def test_an_archived_workspace_takes_no_lines_and_one_without_an_end_says_so_with_an_empty_text(
    client: Client, workspace: Body
) -> None:
    assert (workspace["effective_due_date"], workspace["can_create_line_items"]) == ("", True)
    assert update(client, f"workspaces/{workspace['id']}", "workspace", archived=True)["can_create_line_items"] is False


def test_a_billing_milestone_keeps_its_amount_while_it_is_invoiced(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "title": "Fee", "amount_in_cents": 1000}
    fee = client.make("billing_milestones", "billing_milestone", **said)
    bill = {"workspace_id": workspace["id"], "payment_schedule": 1, "billing_milestone_ids": [fee["id"]]}
    invoice = client.make("invoices", "invoice", **bill)
    path = f"billing_milestones/{fee['id']}"
    assert fields_at_fault(client, "PUT", path, {"billing_milestone": {"amount_in_cents": 5}}) == {"base"}
    assert update(client, path, "billing_milestone", amount_in_cents=1000, title="Fee 1")["title"] == "Fee 1"
    assert client.refused("DELETE", path)[0] == 422
    client.send("PUT", f"invoices/{invoice['id']}/cancel", {})
    assert update(client, path, "billing_milestone", amount_in_cents=5)["amount_in_cents"] == 5
    assert client.call("DELETE", path).status == 204


def test_time_says_whether_it_can_be_changed(client: Client, workspace: Body) -> None:
    entry = booked(client, workspace)
    shown = first(client.get(f"time_entries/{entry['id']}", optional_fields="user_can_edit"))
    assert (shown["approved"], shown["user_can_edit"]) == (True, True)
    client.make("invoices", "invoice", workspace_id=workspace["id"], payment_schedule=1, time_entry_ids=[entry["id"]])
    assert first(client.get(f"time_entries/{entry['id']}", optional_fields="user_can_edit"))["user_can_edit"] is False


def test_deleted_stories_are_listed_with_the_day_of_their_end_by_who_asks_for_them(
    client: Client, workspace: Body
) -> None:
    kept, gone, fee = (
        story(client, workspace),
        story(client, workspace),
        story(client, workspace, story_type="milestone"),
    )
    for each in (gone, fee):
        assert client.call("DELETE", f"stories/{each['id']}").status == 204
    assert ids(client.get("stories", workspace_id=workspace["id"])) == [kept["id"]]
    both = client.get(
        "stories", workspace_id=workspace["id"], show_deleted="true", include="parent,assignees,sub_stories"
    )
    assert {id: bool(each["deleted_at"]) for id, each in both["stories"].items()} == {
        kept["id"]: False,
        gone["id"]: True,
        fee["id"]: True,
    }
    assert both["count"] == 3
    assert client.get("stories", workspace_id=workspace["id"], show_deleted="false")["count"] == 1


@pytest.mark.by_test("get_custom_field_value update_custom_field_value get_expense_category get_line_item_lock")
def test_what_is_named_by_its_own_address_is_shown_there(client: Client, workspace: Body) -> None:
    field = client.make(
        "custom_fields", "custom_field", name=f"F {next(COUNT)}", value_type="number", subject_type="workspace"
    )
    said = {"subject_type": "workspace", "subject_id": workspace["id"], "custom_field_id": field["id"], "value": 7}
    value = client.make("custom_field_values", "custom_field_value", **said)
    changed = update(client, f"custom_field_values/{value['id']}", "custom_field_value", value=8)
    assert first(client.get(f"custom_field_values/{value['id']}")) == changed
    assert (changed["value"], changed["display_value"], changed["subject_id"]) == (8, "8", int(workspace["id"]))
    assert client.refused("PUT", "custom_field_values/99", {"custom_field_value": {"value": 1}})[0] == 404
    assert first(client.get("expense_categories/1"))["name"] == "Travel"
    lock = client.make("line_item_locks", "line_item_lock", locked_to="2025-12-06")
    assert first(client.get(f"line_item_locks/{lock['id']}"))["locked_to"] == "2025-12-06"


@pytest.mark.by_test("list_workspace_allocation get_workspace_allocation delete_workspace_allocation")
def test_bookings_add_up_on_their_seat_until_they_are_taken_away(client: Client, workspace: Body) -> None:
    seat = ids(client.get("workspace_resources", workspace_id=workspace["id"]))[0]
    said = {"resource_id": seat, "start_date": "2026-02-02", "end_date": "2026-02-06"}
    one, two = (
        client.make("workspace_allocations", "workspace_allocation", **said, minutes=each) for each in (600, 1200)
    )
    assert set(ids(client.get("workspace_allocations", workspace_id=workspace["id"]))) == {one["id"], two["id"]}
    assert first(client.get(f"workspace_resources/{seat}"))["total_allocated_minutes"] == 1800
    assert client.call("DELETE", f"workspace_allocations/{one['id']}").status == 204
    assert client.refused("GET", f"workspace_allocations/{one['id']}")[0] == 404
    assert first(client.get(f"workspace_allocations/{two['id']}"))["minutes"] == 1200
    assert first(client.get(f"workspace_resources/{seat}"))["total_allocated_minutes"] == 1200


# what other integrations ask for


def test_issues_have_states_of_their_own(client: Client, workspace: Body) -> None:
    issue, task = story(client, workspace, story_type="issue"), story(client, workspace)
    assert (issue["state"], task["state"]) == ("new", "not started")
    for state in ("in progress", "can't repro", "reopened"):
        assert update(client, f"stories/{issue['id']}", "story", state=state)["state"] == state
    assert fields_at_fault(client, "PUT", f"stories/{task['id']}", {"story": {"state": "reopened"}}) == {"state"}
    assert update(client, f"stories/{task['id']}", "story", state="needs info")["state"] == "needs info"
    fresh = story(client, workspace, story_type="issue")
    for state, found in (("new", fresh), ("reopened", issue), ("needs info", task)):
        assert ids(client.get("stories", workspace_id=workspace["id"], by_status=state)) == [found["id"]]
    assert update(client, f"stories/{issue['id']}", "story", state="completed")["percentage_complete"] == 100


def test_the_feed_is_asked_by_when_subjects_changed_and_tells_changes_in_words(client: Client, workspace: Body) -> None:
    task = story(client, workspace, title="Before")
    update(client, f"stories/{task['id']}", "story", title="After")
    asked = {"subject_type": "Story", "subject_id": task["id"], "optional_fields": "change_summary,change_details"}
    found = client.get("subscribed_events", **asked, event_types="story:updated")
    told = first(found)
    assert (told["change_summary"], told["change_details"]) == ("title", "title: Before → After")
    assert told["updated_at"] == told["created_at"]
    assert client.get("subscribed_events", **asked, subject_changed_after="2026-01-05")["count"] == 2
    for name in ("subject_changed_after", "created_after", "updated_after"):
        assert client.get("subscribed_events", **asked, **{name: "2030-01-01"})["count"] == 0
    assert client.get("subscribed_events", **asked, subject_changed_before="2020-01-01")["count"] == 0


def test_a_token_may_stand_in_the_address(client: Client, landscape: Any) -> None:
    address = "/api/v1/users/me?access_token="
    assert landscape.call("GET", address + client.keys["access_token"], base=client.url).status == 200
    assert landscape.call("GET", address + "wrong", base=client.url).status == 401


@pytest.mark.by_test("list_custom_field_set get_custom_field_set")
def test_custom_fields_are_in_the_set_of_their_subject(client: Client) -> None:
    found = client.get("custom_field_sets", subject_type="Story", include="custom_fields")
    assert [each["subject_type"] for each in found["custom_field_sets"].values()] == ["story"]
    held = first(found)["custom_field_ids"]
    field = client.get(f"custom_fields/{held[0]}", include="custom_field_set")
    assert list(field["custom_field_sets"]) == [first(field)["custom_field_set_id"]] == ids(found)
    assert client.get(f"custom_field_sets/{ids(found)[0]}")["count"] == 1


def test_people_are_found_by_their_side_and_stories_by_their_dates(client: Client, workspace: Body) -> None:
    mine = client.keys["user_id"]
    person = next(each for each in ids(client.get("users")) if each != mine)
    client.make("participations", "participation", workspace_id=workspace["id"], user_id=person, role="buyer")
    buyers = ids(client.get("users", clients_only="true"))
    assert person in buyers
    assert mine not in buyers
    assert mine in ids(client.get("users", consultants_only="true"))
    account = client.keys["account_id"]
    assert (client.get("users", account_id=account)["count"] >= 3, client.get("users", account_id="1")["count"]) == (
        True,
        0,
    )
    past = story(client, workspace, due_date="2025-12-01")
    ahead, never = story(client, workspace, start_date="2026-02-01"), story(client, workspace)
    update(client, f"stories/{past['id']}", "story", state="completed")
    of_project = {"workspace_id": workspace["id"]}
    assert set(ids(client.get("stories", **of_project, with_start_or_due_date="true"))) == {past["id"], ahead["id"]}
    assert set(ids(client.get("stories", **of_project, without_past_completed="true"))) == {ahead["id"], never["id"]}


def test_items_are_objects_with_amounts_and_references_hold_texts(client: Client, workspace: Body) -> None:
    bill = {"workspace_id": workspace["id"], "payment_schedule": 1}
    for item in ("abc", {"notes": "no amount"}, {"amount": None}):
        said = {"invoice": {**bill, "additional_items": [item]}}
        assert fields_at_fault(client, "POST", "invoices", said) == {"additional_items"}
    reference = {"service_name": "crm", "service_model": "Deal", "service_model_ref": 7, "locked": "true"}
    told = {**reference, "subject_type": "Workspace", "subject_id": workspace["id"]}
    path = "external_references/create_or_update"
    made = first(client.send("POST", path, {"external_reference": told}))
    assert (made["service_model_ref"], made["locked"]) == ("7", True)
    sent = urlencode(
        {f"external_reference[{name}]": value for name, value in {**told, "locked": "", "status": "failed"}.items()}
    )
    assert first(client.send("POST", path, form=sent))["status"] == "failed"
    for name, value in (("external_link", ["x"]), ("locked", "perhaps"), ("service_name", {"a": 1})):
        assert fields_at_fault(client, "POST", path, {"external_reference": {**told, name: value}}) == {name}


def test_a_seat_says_what_its_hour_bills_and_costs(client: Client, workspace: Body) -> None:
    seat = first(client.get("workspace_resources", workspace_id=workspace["id"], include="role,participation"))
    shown = {
        "label",
        "display_label",
        "full_name",
        "role_name",
        "resource_bill_rate",
        "resource_cost_rate",
        "role_rate",
    }
    assert shown < set(seat)
    mine = client.get("account_memberships", user_id=client.keys["user_id"])
    assert seat["resource_cost_rate"] == first(mine)["cost_rate_in_cents"]

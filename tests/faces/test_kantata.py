"""Kantata's REST API over plain HTTP: there is no maintained client library for Python, integrations speak it by hand."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlencode

import pytest
from kantata_client import Body, Client, first, ids

from counterfoil_mocks.psa.kantata import writing
from counterfoil_mocks.psa.kantata.kinds import KINDS

COUNT = itertools.count(1)


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
    return client.make("workspaces.json", "workspace", title=f"Acme {next(COUNT)}", creator_role="maven", price=50000)


@pytest.fixture
def staffed(client: Client, workspace: Body) -> Body:
    """A project that the token's user is on, billed at 150 an hour."""
    return rated(client, workspace, 15000)


def rated(client: Client, workspace: Body, rate_in_cents: int) -> Body:
    """A project whose creator, who is on it, bills so much an hour."""
    seat = ids(client.get("participations", workspace_id=workspace["id"], user_id=client.keys["user_id"]))[0]
    client.send("PUT", f"participations/{seat}", {"participation": {"rate_in_cents": rate_in_cents}})
    return workspace


def booked(client: Client, workspace: Body, **said: Any) -> Body:
    values = {"workspace_id": workspace["id"], "date_performed": "2026-01-02", "time_in_minutes": 90, **said}
    return client.make("time_entries", "time_entry", **values)


# transport, signing in


@pytest.mark.by_test("get_me token authorize")
def test_a_token_is_had_by_a_code_and_names_its_user(client: Client, landscape: Any) -> None:
    me = client.get("users/me")
    assert ids(me) == [client.keys["user_id"]]
    query = urlencode({"client_id": client.keys["client_id"], "redirect_uri": "http://app.test/back", "state": "x"})
    sent = landscape.call("GET", f"/oauth/authorize?{query}", base=client.url)
    assert sent.status == 302
    code = sent.headers["location"].removeprefix("http://app.test/back?code=").removesuffix("&state=x")
    asked = {
        "client_id": client.keys["client_id"],
        "client_secret": client.keys["client_secret"],
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://app.test/back",
    }
    reply = landscape.call("POST", "/oauth/token", asked, base=client.url)
    assert reply.json == {"access_token": client.keys["access_token"], "token_type": "bearer"}
    again = landscape.call("POST", "/oauth/token", asked, base=client.url)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


def test_without_a_token_the_answer_is_401_in_the_envelope_of_errors(client: Client, landscape: Any) -> None:
    reply = landscape.call("GET", "/api/v1/workspaces", base=client.url)
    assert reply.status == 401
    assert reply.json == {"errors": [{"type": "oauth", "message": "Invalid OAuth 2 Request"}]}
    assert reply.headers["x-request-id"]
    assert reply.headers["status"] == "401 Unauthorized"
    assert reply.headers["etag"].startswith('W/"')


def test_a_form_says_the_same_as_json(client: Client) -> None:
    made = first(
        client.send("POST", "workspaces.json", form="workspace[title]=Form&workspace[price]=7&workspace[budgeted]=true")
    )
    assert (made["title"], made["price"], made["price_in_cents"], made["budgeted"]) == ("Form", "$7", 700, True)
    assert client.refused("POST", "workspaces", b"{")[0] == 400


# the envelope


@pytest.mark.by_test("create_project get_project update_project")
def test_a_workspace_is_a_project_and_answers_in_the_envelope(client: Client, landscape: Any) -> None:
    envelope = client.send("POST", "workspaces", {"workspace": {"title": "Rollout", "price": 50000, "currency": "USD"}})
    made = first(envelope)
    assert envelope["count"] == 1
    assert envelope["results"] == [{"key": "workspaces", "id": made["id"]}]
    assert (made["price"], made["price_in_cents"]) == ("$50,000", 5_000_000)
    assert made["status"] == {"color": "grey", "key": 130, "message": "Not Started"}
    assert made["creator_id"] == made["primary_maven_id"] == client.keys["user_id"]
    assert isinstance(made["account_id"], int)
    record = landscape.call("GET", f"/systems/psa/projects/{made['id']}").json
    assert (record["name"], record["budget_fee"]) == ("Rollout", {"minor": 5_000_000, "ccy": "USD"})
    changed = first(
        client.send("PUT", f"workspaces/{made['id']}.json", {"workspace": {"title": "R2", "status_key": 400}})
    )
    assert (changed["title"], changed["status"]["message"]) == ("R2", "At Risk")
    assert landscape.call("GET", f"/systems/psa/projects/{made['id']}").json["status"] == "ACTIVE"
    assert first(client.get(f"workspaces/{made['id']}"))["title"] == "R2"
    yen = client.make("workspaces", "workspace", title="Yen", price=50000, currency="JPY")
    assert (yen["price_in_cents"], yen["currency_base_unit"]) == (50000, 1)


def test_a_title_is_asked_for_and_a_missing_root_key_is_as_if_all_were_empty(client: Client) -> None:
    failure = {"type": "validation", "message": "Please give your project a title", "field": "title"}
    assert client.refused("POST", "workspaces", {"title": "x"}) == (422, [failure])
    assert client.refused("GET", "workspaces/1") == (404, [{"type": "system", "message": "Not found"}])


@pytest.mark.by_test("list_project")
def test_pages_are_clamped_and_a_page_past_the_end_is_empty(client: Client) -> None:
    for number in range(3):
        client.make("workspaces", "workspace", title=f"Paged {number}")
    found = client.get("workspaces", search="Paged", per_page=500, order="title:asc")
    assert found["meta"]["page_size"] == 200
    pages = [client.get("workspaces", matching="Paged", per_page=2, page=page, order="title:asc") for page in (1, 2, 9)]
    titles = [[page["workspaces"][id]["title"] for id in ids(page)] for page in pages]
    assert titles == [["Paged 0", "Paged 1"], ["Paged 2"], []]
    assert {page["count"] for page in pages} == {3}
    assert pages[0]["meta"] == {"count": 3, "page_count": 2, "page_number": 1, "page_size": 2}
    assert client.get("workspaces", matching="nothing at all")["meta"]["page_number"] == 0
    offset = client.get("workspaces", matching="Paged", order="title:desc", limit=1, offset=1, page=7)
    assert [offset["workspaces"][id]["title"] for id in ids(offset)] == ["Paged 1"]


@pytest.mark.by_test("list_project get_project")
def test_an_archived_project_looks_deleted(client: Client, workspace: Body) -> None:
    id = workspace["id"]
    client.send("PUT", f"workspaces/{id}", {"workspace": {"archived": True}})
    assert client.refused("GET", f"workspaces/{id}.json")[0] == 404
    assert client.get("workspaces", only=id)["results"] == []
    assert ids(client.get("workspaces", only=id, include_archived="true")) == [id]
    assert ids(client.get(f"workspaces/{id}", apply_default_filters="false")) == [id]
    assert id in ids(client.get("workspaces", archived="only", per_page=200))


@pytest.mark.by_test("create_customer list_customer get_customer update_customer delete_customer")
def test_included_objects_come_in_keyed_maps(client: Client, staffed: Body) -> None:
    group = client.make("workspace_groups", "workspace_group", name="Acme Corp", add_workspace_ids=[staffed["id"]])
    found = client.get(
        f"workspaces/{staffed['id']}", include="participants,workspace_groups,nonsense", optional_fields="stage,x"
    )
    shown = first(found)
    assert shown["participant_ids"] == [client.keys["user_id"]]
    assert shown["workspace_group_ids"] == [group["id"]]
    assert shown["stage"] == "project"
    assert found["workspace_groups"][group["id"]]["name"] == "Acme Corp"
    assert "nonsense" not in found
    client.send(
        "PUT", f"workspace_groups/{group['id']}", {"workspace_group": {"remove_workspace_ids": [staffed["id"]]}}
    )
    assert first(client.get(f"workspaces/{staffed['id']}", include="workspace_groups"))["workspace_group_ids"] == []
    assert ids(client.get(f"workspace_groups/{group['id']}")) == [group["id"]]
    assert client.call("DELETE", f"workspace_groups/{group['id']}").status == 204
    assert group["id"] not in ids(client.get("workspace_groups", per_page=200))


# tasks and people


@pytest.mark.by_test("create_task list_task get_task update_task delete_task")
def test_stories_are_tasks_and_milestones_and_one_map_holds_both(
    client: Client, workspace: Body, landscape: Any
) -> None:
    said = {"workspace_id": workspace["id"], "story_type": "task", "title": "Build"}
    task = client.make("stories", "story", **said)
    stone = client.make("stories", "story", **{**said, "story_type": "milestone", "title": "Go-live"})
    below = client.make("stories", "story", **said, parent_id=task["id"])
    found = client.get("stories", workspace_id=workspace["id"])
    assert ids(found) == [task["id"], stone["id"], below["id"]]
    nested = client.get("stories", only=task["id"], include="sub_stories")
    assert (ids(nested), set(nested["stories"])) == ([task["id"]], {task["id"], below["id"]})
    done = first(client.send("PUT", f"stories/{stone['id']}", {"story": {"state": "completed"}}))
    assert done["state"] == "completed"
    assert landscape.call("GET", f"/systems/psa/milestones/{stone['id']}").json["status"] == "COMPLETED"
    client.send("PUT", f"stories/{task['id']}", {"story": {"state": "completed"}})
    assert landscape.call("GET", f"/systems/psa/tasks/{task['id']}").json["status"] == "CLOSED"
    assert ids(client.get("stories", workspace_id=workspace["id"], completed="false")) == [below["id"]]
    assert client.call("DELETE", f"stories/{below['id']}").status == 204
    assert ids(client.get(f"stories/{task['id']}")) == [task["id"]]


def test_a_bulk_is_all_or_nothing_and_names_the_item(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "story_type": "task"}
    status, failures = client.refused("POST", "stories", {"stories": [{**said, "title": "One"}, said]})
    assert (status, failures[0]["index"], failures[0]["field"]) == (422, 1, "title")
    assert client.get("stories", workspace_id=workspace["id"])["count"] == 0
    made = client.send("POST", "stories", {"stories": [{**said, "title": "One"}, {**said, "title": "Two"}]})
    assert made["count"] == 2


@pytest.mark.by_test("create_assignment list_assignment update_assignment delete_assignment list_employee get_employee")
def test_a_participation_is_an_assignment(client: Client, workspace: Body, landscape: Any) -> None:
    people = client.get("users", order="created_at:asc")
    assert people["count"] >= 3
    user = ids(people)[1]
    assert ids(client.get(f"users/{user}")) == [user]
    said = {"workspace_id": workspace["id"], "user_id": user, "role": "maven", "rate_in_cents": 20000}
    made = client.make("participations", "participation", **said)
    record = landscape.call("GET", f"/systems/psa/assignments/{made['id']}").json
    assert (record["bill_rate_override"], made["rate_in_cents"]) == ("200.0000", 20000)
    assert client.refused("POST", "participations", {"participation": said})[1][0]["field"] == "user_id"
    client.send("PUT", f"participations/{made['id']}", {"participation": {"rate_in_cents": 21000}})
    found = client.get("workspace_resources", workspace_id=workspace["id"])
    assert found["workspace_resources"][made["id"]]["resource_bill_rate"] == 21000
    assert client.call("DELETE", f"participations/{made['id']}").status == 204
    assert made["id"] not in ids(client.get("participations", workspace_id=workspace["id"]))


def test_who_makes_a_project_is_on_it_as_its_administrator(client: Client, workspace: Body) -> None:
    user = client.keys["user_id"]
    found = client.get(
        f"workspaces/{workspace['id']}", include="participations,current_user_participation,primary_counterpart"
    )
    seats = list(found["participations"].values())
    assert [(each["user_id"], each["access_level"]) for each in seats] == [(user, "admin")]
    assert first(found)["current_user_participation_id"] == seats[0]["id"]
    assert (first(found)["primary_counterpart_id"], found["users"]) == (None, {})
    assert workspace["id"] in ids(client.get("workspaces", creator=user, per_page=200))
    assert workspace["id"] not in ids(client.get("workspaces", creator="1", per_page=200))


def test_a_project_names_its_approvers(client: Client) -> None:
    user = ids(client.get("users", order="created_at:asc"))[1]
    made = client.make("workspaces", "workspace", title="Watched", approver_ids=[user])
    found = first(client.get(f"workspaces/{made['id']}", include="approver,approvers,status_reports"))
    assert (found["approver_id"], found["approver_ids"], found["status_report_ids"]) == (user, [user], [])


def test_all_that_is_wrong_with_a_project_is_told_at_once(client: Client) -> None:
    said = {"workspace": {"title": "", "access_level": "wide", "due_date": "soon"}}
    status, errors = client.refused("POST", "workspaces", said)
    assert (status, [each["field"] for each in errors]) == (422, ["title", "access_level", "due_date"])


def test_stories_know_who_is_above_and_below_them(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "story_type": "task"}
    top = client.make("stories", "story", **(said | {"title": "Top", "story_type": "deliverable"}))
    middle = client.make("stories", "story", **said, title="Middle", parent_id=top["id"], due_date="2026-03-31")
    leaf = client.make("stories", "story", **said, title="Leaf", parent_id=middle["id"], start_date="2026-05-01")
    assert (leaf["ancestor_ids"], leaf["root_id"], leaf["ancestry_depth"]) == ([top["id"], middle["id"]], top["id"], 2)
    shown = client.get(f"stories/{top['id']}", include="descendants")
    assert (first(shown)["descendant_ids"], set(shown["stories"])) == (
        [middle["id"], leaf["id"]],
        {top["id"], middle["id"], leaf["id"]},
    )
    assert (first(shown)["sub_story_count"], first(shown)["subtree_depth"]) == (1, 2)
    mine = {"workspace_id": workspace["id"]}
    assert ids(client.get("stories", **mine, due_between="2026-03-30:2026-04-01")) == [middle["id"]]
    assert ids(client.get("stories", **mine, active_between="2026-04-30:2026-05-02")) == [leaf["id"]]
    client.send("PUT", f"stories/{leaf['id']}", {"story": {"state": "completed"}})
    assert ids(client.get("stories", **mine, by_status="completed")) == [leaf["id"]]
    assert ids(client.get("stories", **mine, by_status="not started")) == [top["id"], middle["id"]]


def test_a_rate_that_only_the_entry_or_the_membership_says_is_what_is_billed(client: Client, landscape: Any) -> None:
    free = client.make("workspaces", "workspace", title="No card", require_time_approvals=False)
    assert booked(client, free, rate_in_cents=12000)["rate_in_cents"] == 12000
    user = client.keys["user_id"]
    client.send("PUT", f"account_memberships/{user}", {"account_membership": {"bill_rate_in_cents": 9000}})
    try:
        other = client.make("workspaces", "workspace", title="No card either")
        entry = booked(client, other)
        sheet = {"workspace_id": other["id"], "line_item_ids": [entry["id"]], "title": "Week"}
        handed = client.make("timesheet_submissions", "timesheet_submission", **sheet)
        client.send("PUT", f"timesheet_submissions/{handed['id']}/approve", {})
        record = landscape.call("GET", f"/systems/psa/time_entries/{entry['id']}").json
        assert (record["bill_rate"], record["rate_source"]) == ("90.0000", "OVERRIDE")
    finally:
        client.send("PUT", f"account_memberships/{user}", {"account_membership": {"bill_rate_in_cents": None}})


def test_an_expense_may_name_its_category_by_id_and_change_whom_it_is_for(client: Client, staffed: Body) -> None:
    category = first(client.get("expense_categories", order="name:asc"))
    said = {"workspace_id": staffed["id"], "date": "2026-01-02", "amount_in_cents": 500}
    made = client.make("expenses", "expense", **said, expense_category_id=category["id"])
    assert (made["category"], made["is_billable"]) == (category["name"], True)
    changed = client.send("PUT", f"expenses/{made['id']}", {"expense": {"billable": False}})
    assert first(changed)["is_billable"] is False


def test_what_a_project_says_of_its_stories_holds_for_them(client: Client) -> None:
    said = {"budgeted": False, "stories_are_fixed_fee_by_default": True}
    made = client.make("workspaces", "workspace", title="Fixed", **said)
    assert made["change_orders_enabled"] is False
    story = client.make("stories", "story", title="Fixed", workspace_id=made["id"], story_type="task")
    assert story["fixed_fee"] is True
    assert client.refused("POST", "workspaces", {"workspace": {"title": "X", "creator_role": "king"}})[1][0][
        "field"
    ] == ("creator_role")


@pytest.mark.by_test("list_status_report list_estimate list_estimate_scenario list_post")
def test_a_reader_of_the_whole_account_finds_nothing_of_what_the_business_has_none_of(client: Client) -> None:
    for path in ("status_reports", "estimates", "estimate_scenarios", "posts"):
        found = client.get(f"{path}.json", page=1, per_page=200)
        assert (found[path], found["count"], found["meta"]["page_count"]) == ({}, 0, 0)
        assert client.refused("POST", path, {})[0] == 404


def test_who_is_taken_off_a_project_is_no_participant(client: Client, workspace: Body) -> None:
    user, mine = ids(client.get("users", order="created_at:asc"))[1], {"workspace_id": workspace["id"]}
    made = client.make("participations", "participation", **mine, user_id=user, role="maven")
    assert client.call("DELETE", f"participations/{made['id']}").status == 204
    assert ids(client.get("users", participant_in=workspace["id"])) == [client.keys["user_id"]]
    assert workspace["id"] not in ids(client.get("workspaces", has_participant=user, per_page=200))


def test_a_story_lies_below_one_of_its_own_project(client: Client, workspace: Body) -> None:
    said = {"workspace_id": workspace["id"], "story_type": "task", "title": "T"}
    above = client.make("stories", "story", **said)
    below = client.make("stories", "story", **said, parent_id=above["id"])
    other = client.make("workspaces", "workspace", title="Elsewhere")
    for body in ({**said, "parent_id": "1"}, {**said, "workspace_id": other["id"], "parent_id": above["id"]}):
        assert client.refused("POST", "stories", {"story": body})[1][0]["field"] == "parent_id"
    for parent in (above["id"], below["id"]):
        circle = {"story": {"parent_id": parent}}
        assert client.refused("PUT", f"stories/{above['id']}", circle)[1][0]["field"] == "parent_id"


@pytest.mark.parametrize(
    ("method", "path", "root", "said"),
    [
        ("POST", "workspaces", "workspace", {"title": "Mine"}),
        ("POST", "workspace_groups", "workspace_group", {"name": "Mine"}),
        ("POST", "account_invitations", "account_invitation", {"full_name": "N", "email_address": "n@example.test"}),
        ("PUT", "account_memberships/{user_id}", "account_membership", {"bill_rate_in_cents": 1}),
        ("POST", "invoices", "invoice", {"payment_schedule": 1, "additional_items": [{"amount": 1}]}),
    ],
)
def test_a_collaborator_may_not_do_what_administrators_do(
    client: Client, staffed: Body, method: str, path: str, root: str, said: Body
) -> None:
    body = {root: {"workspace_id": staffed["id"], **said}}
    token = client.keys["member_access_token"]
    status, errors = client.refused(method, path.format(**client.keys), body, token=token)
    assert (status, errors[0]["type"]) == (403, "system")


def test_the_feed_tells_of_a_span_of_time_with_both_its_ends(client: Client, landscape: Any) -> None:
    made, at = [], []
    for title in ("Before", "After"):
        made.append(client.make("workspaces", "workspace", title=title)["id"])
        at.append(landscape.call("GET", "/clock").json["now"])
    mine = {"subject_type": "Workspace", "subject_id": ",".join(made), "event_types": "workspace:created"}

    def told(**span: str) -> list[str]:
        found = client.get("subscribed_events", **mine, order="created_at:asc", **span)
        return [str(found["subscribed_events"][id]["subject_id"]) for id in ids(found)]

    assert told() == told(created_after=at[0], created_before=at[1]) == made
    assert told(created_after=at[1]) == made[1:]
    assert told(created_before=at[0]) == made[:1]


def test_the_feed_is_paged_as_all_lists_are(client: Client, workspace: Body) -> None:
    newest = ids(client.get("subscribed_events"))
    assert ids(client.get("subscribed_events", limit=2, offset=1)) == newest[1:3]
    assert ids(client.get("subscribed_events", only=f"{newest[2]},x")) == [newest[2]]


def test_who_does_a_story_of_an_archived_project_is_shown_only_when_asked_for(client: Client) -> None:
    project = client.make("workspaces", "workspace", title="Put away")
    said = {"title": "T", "workspace_id": project["id"], "story_type": "task", "assignee_ids": [client.keys["user_id"]]}
    story = first(client.send("POST", "stories?include=current_assignments", {"story": said}))
    client.send("PUT", f"workspaces/{project['id']}", {"workspace": {"archived": True}})
    mine = {"story_id": story["id"]}
    assert (
        client.get("assignments", **mine)["count"]
        == client.get("assignments", **mine, in_unarchived_workspaces="true")["count"]
        == 0
    )
    found = ids(client.get("assignments", **mine, in_unarchived_workspaces="false"))
    assert found == story["current_assignment_ids"]
    assert client.refused("GET", f"assignments/{found[0]}")[0] == 404


def test_references_hang_on_billing_milestones_and_know_when_they_were_synced(client: Client, workspace: Body) -> None:
    reference = {"service_name": "sf", "service_model": "Milestone", "service_model_ref": "M1"}
    said = {"title": "Fee", "amount_in_cents": 5, "workspace_id": workspace["id"], "external_reference": reference}
    made = client.make("billing_milestones", "billing_milestone", **said)
    found = client.get(f"billing_milestones/{made['id']}", include="external_references")
    assert [each["service_model_ref"] for each in found["external_references"].values()] == ["M1"]
    asked = {"subject_type": "BillingMilestone", "subject_id": made["id"]}
    assert client.get("external_references", **asked, last_synced_after="2099-01-01")["count"] == 0
    assert client.get("external_references", **asked, last_synced_after="2020-01-01")["count"] == 1
    said = {"subject_type": "BillingMilestone", "subject_id": made["id"], **reference}
    for instant, count in (("2099-01-02T00:00:00+02:00", 1), ("soon", 0)):
        body = {"external_reference": {**said, "last_synced_at": instant}}
        reply = client.call("POST", "external_references/create_or_update", body)
        assert (reply.status == 200) == bool(count)
    assert client.get("external_references", **asked, last_synced_after="2099-01-01")["count"] == 1


def test_the_feed_tells_of_bookings_handed_in_entries_and_custom_values(client: Client, staffed: Body) -> None:
    field = client.make("custom_fields", "custom_field", name="Mood", value_type="string", subject_type="workspace")
    for value in ("calm", "busy", None):
        said = [{"custom_field_id": field["id"], "value": value}]
        client.send("PUT", f"workspaces/{staffed['id']}", {"workspace": {"custom_fields": said}})
    events = client.get("subscribed_events", subject_type="Workspace", subject_id=staffed["id"], order="created_at:asc")
    types = [events["subscribed_events"][id]["event_type"] for id in ids(events)]
    assert [each.rpartition("_")[2] for each in types if "custom_field_value" in each] == [
        "created",
        "updated",
        "deleted",
    ]
    entry = booked(client, staffed)
    sheet = {"workspace_id": staffed["id"], "line_item_ids": [entry["id"]], "title": "Week"}
    handed = client.make("timesheet_submissions", "timesheet_submission", **sheet)
    added = client.get("subscribed_events", event_types="timesheet:time_entry_added", subject_id=handed["id"])
    assert added["count"] == 1


# references


@pytest.mark.by_test("put_external_reference list_external_reference delete_external_reference")
def test_a_reference_is_replaced_by_its_service_name_and_letters_do_not_match_the_singular_filter(
    client: Client,
) -> None:
    said = {"service_name": "salesforce", "service_model": "Opportunity", "service_model_ref": "0065g00000ABCDE"}
    made = client.make("workspaces", "workspace", title="Referred", external_reference=said)
    by = {"external_reference_service_name": "salesforce"}
    assert ids(client.get("workspaces", external_reference_service_model_refs="0065g00000ABCDE,x", **by)) == [
        made["id"]
    ]
    assert client.get("workspaces", external_reference_service_model_ref="0065g00000ABCDE", **by)["count"] == 0
    again = {**said, "subject_type": "Workspace", "subject_id": made["id"], "service_model_ref": "4711"}
    one = client.send("POST", "external_references/create_or_update", {"external_reference": again})
    two = client.send("POST", "external_references/create_or_update", {"external_reference": again})
    assert ids(one) == ids(two)
    assert first(one)["subject_ref"] == {"key": "workspaces", "id": made["id"]}
    assert ids(client.get("workspaces", external_reference_service_model_ref="4711")) == [made["id"]]
    assert made["id"] not in ids(client.get("workspaces", has_external_references="false", per_page=200))
    twin = client.make(
        "workspaces", "workspace", title="Twin", external_reference={**said, "service_model_ref": "4711"}
    )
    assert set(ids(client.get("workspaces", external_reference_service_model_refs="4711"))) == {made["id"], twin["id"]}
    found = client.get("external_references", subject_type="Workspace", subject_id=made["id"])
    assert found["count"] == 1
    nested = client.get("external_references", subject_type="Workspace", subject_id=made["id"], include="subject")
    assert nested["workspaces"][made["id"]]["title"] == "Referred"
    assert client.call("DELETE", f"external_references/{ids(found)[0]}").status == 204
    assert client.refused("GET", "external_references")[1][0]["field"] == "subject_type"


@pytest.mark.by_test("list_custom_field list_custom_field_value create_custom_field create_custom_field_value")
def test_custom_fields_of_the_business_are_its_own_fields(client: Client, landscape: Any) -> None:
    fields = client.get("custom_fields", subject_type="workspace", per_page=200)["custom_fields"]
    number = next(id for id, each in fields.items() if each["name"] == "contract_no")
    said = [{"custom_field_id": number, "value": "CT-000777"}]
    made = client.make("workspaces", "workspace", title="Contracted", custom_fields=said)
    assert landscape.call("GET", f"/systems/psa/projects/{made['id']}").json["contract_no"] == "CT-000777"
    values = client.get("custom_field_values", subject_type="workspace", subject_id=made["id"])
    assert "CT-000777" in [each["value"] for each in values["custom_field_values"].values()]
    own = client.make("custom_fields", "custom_field", name="Region", value_type="string", subject_type="workspace")
    value = {"subject_type": "workspace", "subject_id": made["id"], "custom_field_id": own["id"], "value": "EMEA"}
    set_so = client.make("custom_field_values", "custom_field_value", **value)
    assert client.refused("POST", "custom_field_values", {"custom_field_value": value})[0] == 422
    changed = {"custom_field_value": {"value": "APAC"}}
    assert first(client.send("PUT", f"custom_field_values/{set_so['id']}", changed))["value"] == "APAC"
    assert client.refused("GET", "custom_field_values")[1][0]["field"] == "subject_type"
    asked = f"({own['id']}:APAC):({number}:CT-000777)"
    assert ids(client.get("workspaces", by_custom_text_value=asked)) == [made["id"]]
    assert client.get("workspaces", by_custom_text_value=f"({own['id']}:EMEA)")["count"] == 0


@pytest.mark.parametrize(
    ("path", "root", "entity", "made", "changed", "own"),
    [
        ("workspaces", "workspace", "projects", {"title": "Before"}, {"title": "After"}, "practice"),
        ("workspace_groups", "workspace_group", "customers", {"name": "Before"}, {"name": "After"}, "segment"),
    ],
)
def test_a_call_that_changes_attributes_and_custom_fields_changes_the_record_once(
    client: Client, landscape: Any, path: str, root: str, entity: str, made: Body, changed: Body, own: str
) -> None:
    fields = client.get("custom_fields", subject_type=root, per_page=200)["custom_fields"]
    known = next(id for id, each in fields.items() if each["name"] == own)
    kept = client.make("custom_fields", "custom_field", name="Mood", value_type="string", subject_type=root)
    record = client.make(path, root, **{**made, next(iter(made)): f"Before {next(COUNT)}"})
    before = landscape.call("GET", f"/systems/psa/{entity}/{record['id']}").json
    said = [{"custom_field_id": known, "value": "North"}, {"custom_field_id": kept["id"], "value": "calm"}]
    client.send("PUT", f"{path}/{record['id']}", {root: {**changed, "custom_fields": said}})
    after = landscape.call("GET", f"/systems/psa/{entity}/{record['id']}").json
    assert (after["name"], after[own], after["version"]) == ("After", "North", before["version"] + 1)
    values = client.get("custom_field_values", subject_type=root, subject_id=record["id"])["custom_field_values"]
    assert {"North", "calm"} <= {each["value"] for each in values.values()}


# time


@pytest.mark.by_test("create_time_entry list_time_entry get_time_entry update_time_entry delete_time_entry")
def test_time_is_recorded_in_minutes_and_found_by_its_day(client: Client, staffed: Body) -> None:
    made = booked(client, staffed, rate_in_cents=15000)
    assert (made["time_in_minutes"], made["rate_in_cents"], made["approved"]) == (90, 15000, False)
    assert (made["currency_base_unit"], made["story_id"]) == (100, None)
    assert made["user_id"] == client.keys["user_id"]
    changed = client.send("PUT", f"time_entries/{made['id']}", {"time_entry": {"time_in_minutes": 60}})
    assert first(changed)["time_in_minutes"] == 60
    span = {"workspace_id": staffed["id"], "date_performed_between": "2026-01-01:2026-01-31"}
    assert ids(client.get("time_entries", **span)) == [made["id"]]
    assert ids(client.get(f"time_entries/{made['id']}", include="workspace,user")) == [made["id"]]
    assert client.call("DELETE", "time_entries", ids=made["id"]).status == 204
    assert client.get("time_entries", **span)["count"] == 0


def test_time_lacks_what_it_lacks_all_at_once(client: Client, staffed: Body) -> None:
    status, failures = client.refused("POST", "time_entries", {"time_entry": {}})
    assert status == 422
    assert {each["field"] for each in failures} == {"workspace_id", "date_performed", "time_in_minutes"}
    wrong = {"workspace_id": staffed["id"], "date_performed": "2026-01-02", "time_in_minutes": "an hour"}
    assert client.refused("POST", "time_entries", {"time_entry": wrong})[1][0]["field"] == "time_in_minutes"


def test_a_collaborator_books_for_himself_whatever_he_says(client: Client, workspace: Body) -> None:
    token = client.keys["member_access_token"]
    own = ids(client.call("GET", "users/me", token=token).json)[0]
    said = {
        "workspace_id": workspace["id"],
        "date_performed": "2026-01-02",
        "time_in_minutes": 5,
        "user_id": client.keys["user_id"],
    }
    reply = client.call("POST", "time_entries", {"time_entry": said}, token=token)
    assert (reply.status, first(reply.json)["user_id"]) == (200, own)
    assert own != client.keys["user_id"]


@pytest.mark.by_test("submit_time approve_time withdraw_time reject_time list_timesheet get_timesheet")
def test_a_timesheet_is_approved_and_its_time_frozen(client: Client, staffed: Body, landscape: Any) -> None:
    entry = booked(client, staffed)
    said = {"workspace_id": staffed["id"], "line_item_ids": [entry["id"]], "title": "wk 1"}
    sheet = client.make("timesheet_submissions", "timesheet_submission", **said)
    assert (sheet["status"], sheet["line_item_total_in_cents"], sheet["start_date"]) == ("new", 22500, "2025-12-28")
    assert client.refused("POST", "timesheet_submissions", {"timesheet_submission": said})[0] == 422
    submitted = first(client.get(f"time_entries/{entry['id']}"))
    assert submitted["active_submission_id"] == submitted["recent_submission_id"] == sheet["id"]
    forbidden = client.call(
        "PUT", f"timesheet_submissions/{sheet['id']}/approve", {}, token=client.keys["member_access_token"]
    )
    assert forbidden.status == 403
    done = client.send("PUT", f"timesheet_submissions/{sheet['id']}/approve", {"resolution": {"description": "ok"}})
    assert first(done)["status"] == "approved"
    record = landscape.call("GET", f"/systems/psa/time_entries/{entry['id']}").json
    assert (record["approval"], record["bill_rate"]) == ("APPROVED", "150.0000")
    frozen = client.refused("PUT", f"time_entries/{entry['id']}", {"time_entry": {"time_in_minutes": 60}})
    assert frozen == (
        422,
        [{"type": "validation", "message": "Time entry is approved and cannot be changed", "field": "base"}],
    )
    client.send("PUT", f"timesheet_submissions/{sheet['id']}/cancel", {})
    freed = first(client.get(f"time_entries/{entry['id']}"))
    assert (freed["active_submission_id"], freed["recent_submission_id"], freed["approved"]) == (
        None,
        sheet["id"],
        False,
    )
    second = client.make("timesheet_submissions", "timesheet_submission", **{**said, "title": "again"})
    assert first(client.get(f"timesheet_submissions/{sheet['id']}", include="time_entries"))["time_entry_ids"] == []
    rejected = client.send(
        "POST", "timesheet_rejections", {"resolution": {"submission_ids": [second["id"]], "description": "no"}}
    )
    assert (rejected["resolutions"][0]["type"], rejected["resolutions"][0]["target_id"]) == (
        "rejection",
        int(second["id"]),
    )
    assert client.get("timesheet_submissions", workspace_id=staffed["id"], status="rejected")["count"] == 1


@pytest.mark.by_test("list_time_entry")
def test_flags_ignore_their_value(client: Client, staffed: Body) -> None:
    entry = booked(client, staffed)
    assert ids(client.get("time_entries", workspace_id=staffed["id"], uninvoiced="false")) == [entry["id"]]
    assert client.get("time_entries", workspace_id=staffed["id"], approved="false")["count"] == 0


def test_time_of_a_project_without_approvals_counts_as_approved(client: Client, landscape: Any) -> None:
    free = client.make("workspaces", "workspace", title="Free", require_time_approvals=False)
    rated(client, free, 10000)
    entry = booked(client, free)
    assert entry["approved"] is True
    assert landscape.call("GET", f"/systems/psa/time_entries/{entry['id']}").json["approval"] == "APPROVED"


# expenses and milestones


@pytest.mark.by_test("create_expense list_expense update_expense submit_expense approve_expense")
def test_an_expense_goes_its_way_to_approval(client: Client, staffed: Body, landscape: Any) -> None:
    said = {"workspace_id": staffed["id"], "date": "2026-01-03", "category": "Travel", "amount_in_cents": 12345}
    made = client.make("expenses", "expense", **said, billable=True)
    assert (made["category"], made["amount_in_cents"], made["is_billable"]) == ("Travel", 12345, True)
    client.send("PUT", f"expenses/{made['id']}", {"expense": {"receipt_id": "9"}})
    report = {"workspace_id": staffed["id"], "line_item_ids": [made["id"]], "title": "trip"}
    sheet = client.make("expense_report_submissions", "expense_report_submission", **report)
    assert sheet["line_item_total_formatted"] == "$123.45"
    client.send("POST", "expense_report_approvals", {"resolution": {"submission_ids": [sheet["id"]]}})
    record = landscape.call("GET", f"/systems/psa/expenses/{made['id']}").json
    assert (record["approval"], record["category"], record["receipt"]) == ("APPROVED", "FLIGHT", True)
    assert client.get("expenses", workspace_id=staffed["id"])["count"] == 1


@pytest.mark.by_test("create_milestone list_milestone get_milestone update_milestone")
def test_a_billing_milestone_is_the_amount_of_a_milestone(client: Client, workspace: Body, landscape: Any) -> None:
    said = {"workspace_id": workspace["id"], "title": "Kick-off", "amount_in_cents": 250000}
    story = client.make("stories", "story", workspace_id=workspace["id"], title="Kick-off", story_type="milestone")
    assert client.get("billing_milestones", workspace_id=workspace["id"])["count"] == 0
    made = client.make(
        "billing_milestones", "billing_milestone", **said, billing_type="upon_completion", story_id=story["id"]
    )
    assert (made["story_id"], made["amount_in_cents"]) == (story["id"], 250000)
    client.send("PUT", f"billing_milestones/{made['id']}", {"billing_milestone": {"amount_in_cents": 260000}})
    record = landscape.call("GET", f"/systems/psa/milestones/{story['id']}").json
    assert record["amount"] == {"minor": 260000, "ccy": "USD"}
    assert ids(client.get(f"billing_milestones/{made['id']}")) == [made["id"]]
    refusal = client.refused(
        "POST", "billing_milestones", {"billing_milestone": {**said, "billing_type": "upon_completion"}}
    )
    assert refusal[1][0]["field"] == "story_id"


@pytest.mark.by_test(
    "reject_expense withdraw_expense delete_expense get_expense list_expense_report get_expense_report"
)
def test_a_report_that_is_rejected_or_withdrawn_frees_its_expenses(client: Client, staffed: Body) -> None:
    said = {"workspace_id": staffed["id"], "date": "2026-01-03", "category": "Food", "amount_in_cents": 900}
    made = client.make("expenses", "expense", **said)
    report = {"workspace_id": staffed["id"], "line_item_ids": [made["id"]], "title": "meals"}
    for verb, status in (("reject", "rejected"), ("cancel", "cancelled")):
        sheet = client.make("expense_report_submissions", "expense_report_submission", **report)
        assert client.refused("DELETE", f"expenses/{made['id']}")[0] == 422
        done = client.send("PUT", f"expense_report_submissions/{sheet['id']}/{verb}", {})
        assert first(done)["status"] == status
        assert first(client.get(f"expenses/{made['id']}"))["active_submission_id"] is None
        assert client.refused("PUT", f"expense_report_submissions/{sheet['id']}/{verb}", {})[0] == 422
        assert first(client.get(f"expense_report_submissions/{sheet['id']}", include="expenses"))["expense_ids"] == []
    sheet = client.make("expense_report_submissions", "expense_report_submission", **report)
    client.send("PUT", f"expense_report_submissions/{sheet['id']}/approve", {})
    client.send("PUT", f"expense_report_submissions/{sheet['id']}/cancel", {})
    assert client.get("expense_report_submissions", workspace_id=staffed["id"], status="cancelled")["count"] == 2
    assert client.call("DELETE", f"expenses/{made['id']}").status == 204
    assert client.refused("GET", f"expenses/{made['id']}")[0] == 404


@pytest.mark.by_test("get_assignment delete_milestone get_external_reference get_custom_field get_role get_invoice")
def test_what_is_listed_can_be_shown(client: Client, staffed: Body) -> None:
    seat = ids(client.get("participations", workspace_id=staffed["id"]))[0]
    assert ids(client.get(f"participations/{seat}")) == ids(client.get(f"workspace_resources/{seat}")) == [seat]
    said = {"workspace_id": staffed["id"], "title": "Fee", "amount_in_cents": 100}
    stone = client.make("billing_milestones", "billing_milestone", **said)
    bill = {"workspace_id": staffed["id"], "payment_schedule": 5, "billing_milestone_ids": [stone["id"]]}
    invoice = client.make("invoices", "invoice", **bill)
    assert first(client.get(f"invoices/{invoice['id']}"))["balance_in_cents"] == 100
    assert client.refused("POST", "invoices", {"invoice": bill})[1][0]["field"] == "billing_milestone_ids"
    assert client.call("DELETE", f"invoices/{invoice['id']}").status == 204
    assert client.call("DELETE", f"billing_milestones/{stone['id']}").status == 204
    reference = {"service_name": "s", "service_model": "m", "service_model_ref": "1"}
    told = {**reference, "subject_type": "Workspace", "subject_id": staffed["id"]}
    put = client.send("POST", "external_references/create_or_update", {"external_reference": told})
    assert first(client.get(f"external_references/{ids(put)[0]}"))["service_model_ref"] == "1"
    assert first(client.get("roles/3"))["name"] == "Senior"
    assert first(client.get("custom_fields/101"))["name"] == "contract_no"
    assert client.refused("GET", "roles/99")[0] == 404


# events and locks


@pytest.mark.by_test("list_subscribed_event list_event_type")
def test_events_are_pulled_and_only_by_an_administrator(client: Client, workspace: Body) -> None:
    client.send("PUT", f"workspaces/{workspace['id']}", {"workspace": {"title": "Renamed"}})
    query = {"subject_type": "Workspace", "subject_id": workspace["id"], "optional_fields": "payload_changes"}
    found = client.get("subscribed_events", **query)
    shown = [found["subscribed_events"][id] for id in ids(found)]
    assert [each["event_type"] for each in shown] == ["workspace:updated", "workspace:created"]
    assert shown[0]["payload_changes"]["title"] == [workspace["title"], "Renamed"]
    assert shown[0]["user_id"] == client.keys["user_id"]
    types = client.get("subscribed_events/event_types")["subscribed_event_types"]
    assert "time_entry:created" in types
    token = client.keys["member_access_token"]
    assert client.refused("GET", "subscribed_events", token=token)[0] == 403
    both = {"most_recent": "true", "most_recent_by_event_type": "true"}
    assert client.refused("GET", "subscribed_events", **both)[0] == 400
    assert len(ids(client.get("subscribed_events", **query, most_recent="true"))) == 1


@pytest.mark.by_test("create_line_item_lock list_line_item_lock")
def test_time_of_a_locked_week_is_refused_for_good(client: Client, staffed: Body) -> None:
    assert client.refused("POST", "line_item_locks", {"line_item_lock": {"locked_to": "2025-06-04"}})[0] == 422
    client.make("line_item_locks", "line_item_lock", locked_to="2025-06-07")
    late = {"workspace_id": staffed["id"], "date_performed": "2025-06-07", "time_in_minutes": 5}
    assert client.refused("POST", "time_entries", {"time_entry": late})[1][0]["field"] == "date_performed"
    earlier = client.refused("POST", "line_item_locks", {"line_item_lock": {"locked_to": "2025-05-31"}})
    assert earlier[0] == 422
    assert client.get("line_item_locks")["count"] == 1


@pytest.mark.by_test("list_role list_expense_category list_rate_card")
def test_roles_categories_and_rate_cards_are_there_to_read(client: Client) -> None:
    assert client.get("roles")["count"] >= 3
    assert "Travel" in [each["name"] for each in client.get("expense_categories")["expense_categories"].values()]
    assert client.get("rate_cards")["count"] == 0


# faults


def test_a_write_whose_answer_is_lost_leaves_a_twin_behind_when_it_is_repeated(client: Client, landscape: Any) -> None:
    fault = {"system": "psa", "operation": "create_project", "kind": "commit_then_500", "nth": 1}
    assert landscape.call("POST", "/faults", [fault]).status == 201
    try:
        said = {"workspace": {"title": f"Twice {next(COUNT)}"}}
        status, failures = client.refused("POST", "workspaces", said)
        assert (status, failures[0]["type"]) == (500, "system")
        client.send("POST", "workspaces", said)
        assert client.get("workspaces", matching=said["workspace"]["title"])["count"] == 2
    finally:
        landscape.call("DELETE", "/faults")


# invoices


def approved(client: Client, workspace: Body) -> Body:
    entry = booked(client, workspace)
    said = {"workspace_id": workspace["id"], "line_item_ids": [entry["id"]], "title": "wk"}
    sheet = client.make("timesheet_submissions", "timesheet_submission", **said)
    client.send("PUT", f"timesheet_submissions/{sheet['id']}/approve", {})
    return entry


@pytest.fixture
def billable(client: Client, landscape: Any) -> Body:
    """A project by the hour that the token's user is on."""
    return rated(client, client.make("workspaces", "workspace", title="By the hour"), 15000)


@pytest.mark.by_test(
    "mark_billed release_billed list_invoice get_invoice get_next_invoice_number create_external_payment"
)
def test_an_invoice_bills_its_time_and_a_payment_settles_it(client: Client, billable: Body, landscape: Any) -> None:
    entry = approved(client, billable)
    number = client.get("invoices/next_invoice_number")["next_invoice_number"]
    said = {
        "workspace_id": billable["id"],
        "payment_schedule": 30,
        "invoice_date": "2026-01-31",
        "time_entry_ids": [entry["id"]],
        "additional_items": [{"notes": "Licence", "amount": 500}],
    }
    made = client.make("invoices", "invoice", **said)
    assert (made["user_invoice_number"], made["title"]) == (int(number), f"Invoice #{number}")
    assert (made["balance_in_cents"], made["due_date"], made["status"]) == (22500 + 50000, "2026-03-02", "new")
    record = landscape.call("GET", f"/systems/psa/time_entries/{entry['id']}").json
    assert (record["billing"], record["invoice_line"]) == ("BILLED", f"{number}/1")
    assert first(client.get(f"time_entries/{entry['id']}"))["is_invoiced"] is True
    assert client.refused("POST", "invoices", {"invoice": said})[1][0]["field"] == "time_entry_ids"
    found = client.get(f"invoices/{made['id']}", include="time_entries,additional_items")
    assert first(found)["time_entry_ids"] == [entry["id"]]
    assert ids(client.get("time_entries", in_active_invoice_id=made["id"])) == [entry["id"]]
    assert [each["amount_in_cents"] for each in found["additional_items"].values()] == [50000]
    client.send("PUT", f"invoices/{made['id']}/cancel", {})
    assert client.get("time_entries", in_active_invoice_id=made["id"])["count"] == 0
    assert first(client.get(f"time_entries/{entry['id']}"))["is_invoiced"] is False
    second = client.make("invoices", "invoice", **said)
    part = {"invoice_id": second["id"], "workspace_id": billable["id"], "amount_in_cents": 500}
    client.make("external_payments", "external_payment", **part)
    assert first(client.get(f"invoices/{second['id']}"))["balance_in_cents"] == 72000
    whole = {"invoice_id": second["id"], "workspace_id": billable["id"]}
    assert client.make("external_payments", "external_payment", **whole)["amount_in_cents"] == 72000
    paid = client.get("invoices", workspace_id=billable["id"], paid="true")
    assert (ids(paid), first(paid)["status"]) == ([second["id"]], "accepted payment")


def test_a_form_fills_a_member_of_a_list_before_it_begins_the_next(client: Client, workspace: Body) -> None:
    form = f"invoice[workspace_id]={workspace['id']}&invoice[payment_schedule]=10"
    form += "&invoice[fixed_fee_items][][notes]=a&invoice[fixed_fee_items][][amount]=500"
    form += "&invoice[fixed_fee_items][][notes]=b&invoice[fixed_fee_items][][amount]=0.5"
    made = first(client.send("POST", "invoices", form=form))
    found = client.get(f"invoices/{made['id']}", include="fixed_fee_items")["fixed_fee_items"]
    assert [(each["notes"], each["amount_in_cents"]) for each in found.values()] == [("a", 50000), ("b", 50)]


def test_an_invoice_needs_an_item_and_only_approved_time(client: Client, billable: Body) -> None:
    said = {"workspace_id": billable["id"], "payment_schedule": 30}
    assert client.refused("POST", "invoices", {"invoice": said})[1][0]["field"] == "base"
    assert (
        client.refused("POST", "invoices", {"invoice": {"workspace_id": billable["id"]}})[1][0]["field"]
        == "payment_schedule"
    )
    entry = booked(client, billable)
    early = {**said, "time_entry_ids": [entry["id"]]}
    assert client.refused("POST", "invoices", {"invoice": early})[1][0]["field"] == "time_entry_ids"


# bookings and rates


@pytest.mark.by_test("create_story_assignment list_story_assignment delete_story_assignment get_story_assignment")
def test_only_a_participant_is_assigned_to_a_story(client: Client, staffed: Body) -> None:
    story = client.make("stories", "story", workspace_id=staffed["id"], title="Build", story_type="task")
    stranger = ids(client.get("users", order="created_at:asc"))[2]
    said = {"story_id": story["id"], "assignee_id": stranger}
    assert client.refused("POST", "assignments", {"assignment": said})[1][0]["field"] == "assignee_id"
    made = client.make("assignments", "assignment", **{**said, "assignee_id": client.keys["user_id"]})
    found = client.get(f"stories/{story['id']}", include="assignees,current_assignments")
    assert first(found)["assignee_ids"] == [client.keys["user_id"]]
    assert first(found)["current_assignment_ids"] == [made["id"]]
    assert ids(client.get(f"assignments/{made['id']}")) == [made["id"]]
    assert client.get("assignments", story_id=story["id"])["count"] == 1
    client.send("PUT", f"stories/{story['id']}", {"story": {"assignee_ids": []}})
    assert client.get("assignments", story_id=story["id"])["count"] == 0
    again = client.make("assignments", "assignment", **{**said, "assignee_id": client.keys["user_id"]})
    assert client.call("DELETE", f"assignments/{again['id']}").status == 204


@pytest.mark.by_test("create_workspace_allocation split_workspace_allocation update_workspace_allocation")
def test_bookings_add_up_to_the_minutes_planned(client: Client, staffed: Body, landscape: Any) -> None:
    seat = ids(client.get("workspace_resources", workspace_id=staffed["id"]))[0]
    said = {"resource_id": seat, "start_date": "2026-02-02", "end_date": "2026-02-06", "minutes": 2400}
    made = client.make("workspace_allocations", "workspace_allocation", **said)
    assert (made["percentage"], made["workspace_id"]) == (100, staffed["id"])
    assert landscape.call("GET", f"/systems/psa/assignments/{seat}").json["planned_minutes"] == 2400
    two = client.send("PUT", f"workspace_allocations/split?workspace_allocation_id={made['id']}&split_date=2026-02-04")
    shown = [two["workspace_allocations"][id] for id in ids(two)]
    assert [(each["start_date"], each["end_date"], each["minutes"]) for each in shown] == [
        ("2026-02-02", "2026-02-03", 960), ("2026-02-04", "2026-02-06", 1440),
    ]  # fmt: skip
    client.send("PUT", f"workspace_allocations/{made['id']}", {"workspace_allocation": {"minutes": 1000}})
    assert landscape.call("GET", f"/systems/psa/assignments/{seat}").json["planned_minutes"] == 2440
    assert client.refused("POST", "workspace_allocations", {"workspace_allocation": {**said, "minutes": -1}})[0] == 422


@pytest.mark.by_test("list_rate_card_version list_rate_card_role get_rate_card")
def test_a_card_of_the_business_is_a_rate_card_with_its_roles(client: Client, landscape: Any) -> None:
    rows = [{"level": "SENIOR", "rate": "250"}]
    card = {"code": "US-STD", "card_version": 1, "ccy": "USD", "effective_from": "2026-01-01", "rows": rows}
    made = landscape.call("POST", "/systems/psa/rate_cards", card)
    assert made.status == 201, made.raw
    id = made.json["id"]
    assert first(client.get(f"rate_cards/{id}"))["title"] == "US-STD"
    assert client.get("rate_card_versions", rate_card_id=id)["rate_card_versions"][id]["effective_date"] == "2026-01-01"
    roles = client.get("rate_card_roles", rate_card_version_id=id)
    assert [(each["role_id"], each["rate"]) for each in roles["rate_card_roles"].values()] == [("3", 25000)]
    priced = client.make("workspaces", "workspace", title="Carded", rate_card_id=id)
    assert (priced["rate_card_id"], priced["currency"]) == (int(id), "USD")


def test_events_can_come_late(client: Client, landscape: Any) -> None:
    fault = {"system": "psa", "operation": "list_subscribed_event", "kind": "search_lag", "searches": 1}
    assert landscape.call("POST", "/faults", [fault]).status == 201
    try:
        made = client.make("workspaces", "workspace", title="Late")
        query = {"subject_type": "Workspace", "subject_id": made["id"]}
        assert [client.get("subscribed_events", **query)["count"] for _ in range(2)] == [0, 1]
    finally:
        landscape.call("DELETE", "/faults")


# people beyond users


@pytest.mark.by_test(
    "list_account_membership get_account_membership update_account_membership disable_account_membership"
)
@pytest.mark.by_test(
    "enable_account_membership create_account_invitation list_account_invitation get_account_invitation"
)
@pytest.mark.by_test("resend_account_invitation invite_to_project")
def test_people_come_by_invitation_and_leave_by_their_membership(client: Client, staffed: Body, landscape: Any) -> None:
    asked = {"full_name": "Ada Byron", "email_address": "ada@example.test", "permission": "project_lead"}
    made = client.make("account_invitations", "account_invitation", **asked)
    user = made["invited_user_id"]
    assert client.get("account_invitations")["count"] >= 1
    assert first(client.get(f"account_invitations/{made['id']}"))["email_address"] == "ada@example.test"
    assert ids(client.get("users", by_email_address="Ada@example.test")) == [made["invited_user_id"]]
    assert first(client.send("PUT", f"account_invitations/{made['id']}/resend", {}))["sent"] == 2
    member = first(client.get("account_memberships", user_id=user, include="user"))
    assert (member["user_id"], member["permission"], member["disabled_at"]) == (user, "collaborator", None)
    said = {
        "cost_rate_in_cents": 9000,
        "default_role_id": "4",
        "permission": "reports_viewer",
        "billability_target": 80,
    }
    changed = first(client.send("PUT", f"account_memberships/{member['id']}", {"account_membership": said}))
    assert {name: changed[name] for name in said} == said
    record = landscape.call("GET", f"/systems/psa/employees/{user}").json
    assert (record["level"], record["cost_rate"]) == ("MANAGER", "90.0000")
    space = f"workspaces/{staffed['id']}"
    for role in ("maven", "buyer"):
        invitation = {"full_name": "Ada Byron", "email_address": "ada@example.test", "invitee_role": role}
        client.send("POST", f"{space}/invite", {"invitation": invitation})
    assert user in first(client.get(space, include="participants"))["participant_ids"]
    assert client.refused("POST", f"{space}/invite", {"invitation": {}})[0] == 422
    assert first(client.send("PUT", f"account_memberships/{member['id']}/disable", {}))["disabled_at"]
    assert user not in ids(client.get("account_memberships", disabled="false", per_page=200))
    assert first(client.send("PUT", f"account_memberships/{member['id']}/enable", {}))["disabled_at"] is None
    assert first(client.get(f"account_memberships/{member['id']}"))["manager_id"] is None


@pytest.mark.by_test(
    "create_skill list_skill get_skill update_skill delete_skill create_skill_membership list_skill_membership"
)
@pytest.mark.by_test(
    "get_skill_membership update_skill_membership delete_skill_membership create_cost_rate list_cost_rate"
)
@pytest.mark.by_test("get_cost_rate update_cost_rate delete_cost_rate")
def test_skills_and_cost_rates_belong_to_people(client: Client) -> None:
    user = client.keys["user_id"]
    skill = client.make("skills", "skill", name="COBOL", max_level=3)
    assert client.refused("POST", "skills", {"skill": {"name": "COBOL"}})[1][0]["field"] == "name"
    held = client.make("skill_memberships", "skill_membership", skill_id=skill["id"], user_id=user, level=3)
    over = {"skill_membership": {"level": 4}}
    assert client.refused("PUT", f"skill_memberships/{held['id']}", over)[1][0]["field"] == "level"
    client.send("PUT", f"skill_memberships/{held['id']}", {"skill_membership": {"level": 2}})
    assert ids(client.get("skill_memberships", user_id=user, skill_id=skill["id"], level=2)) == [held["id"]]
    assert first(client.get(f"skill_memberships/{held['id']}"))["max_level"] == 3
    assert held["id"] in first(client.get(f"users/{user}", include="skill_memberships"))["skill_membership_ids"]
    assert first(client.send("PUT", f"skills/{skill['id']}", {"skill": {"name": "Ada"}}))["name"] == "Ada"
    assert client.call("DELETE", f"skill_memberships/{held['id']}").status == 204
    assert skill["id"] in ids(client.get("skills", search="ada"))
    assert ids(client.get(f"skills/{skill['id']}")) == [skill["id"]]
    assert client.call("DELETE", f"skills/{skill['id']}").status == 204
    rate = {"account_membership_id": user, "amount_in_subunits": 7000, "effective_date": "2026-01-01"}
    made = client.make("cost_rates", "cost_rate", **rate)
    assert ids(client.get("cost_rates", account_membership_id=user)) == [made["id"]]
    changed = client.send("PUT", f"cost_rates/{made['id']}", {"cost_rate": {"amount_in_subunits": 7100}})
    assert first(changed)["amount_in_subunits"] == 7100
    wrong = {"cost_rate": {"end_date": "2025-01-01"}}
    assert client.refused("PUT", f"cost_rates/{made['id']}", wrong)[1][0]["field"] == "end_date"
    assert first(client.get(f"cost_rates/{made['id']}"))["currency"] == "USD"
    assert client.call("DELETE", f"cost_rates/{made['id']}").status == 204


@pytest.mark.by_test("create_story_allocation_day list_story_allocation_day get_story_allocation_day")
@pytest.mark.by_test("update_story_allocation_day delete_story_allocation_day update_story_assignment")
def test_days_of_a_story_add_up_to_what_its_assignment_has(client: Client, staffed: Body) -> None:
    task = client.make("stories", "story", workspace_id=staffed["id"], story_type="task", title="Planned")
    given = client.make("assignments", "assignment", story_id=task["id"], assignee_id=client.keys["user_id"])
    said = {"assignment_id": given["id"], "date": "2026-02-02", "minutes": 240}
    day = client.make("story_allocation_days", "story_allocation_day", **said)
    client.make("story_allocation_days", "story_allocation_day", **{**said, "date": "2026-02-03"})
    assert client.refused("POST", "story_allocation_days", {"story_allocation_day": said})[1][0]["field"] == "date"
    assert first(client.get(f"story_allocation_days/{day['id']}"))["story_id"] == task["id"]
    found = client.get("story_allocation_days", story_id=task["id"], date_between="2026-02-03:")
    assert found["count"] == 1
    client.send("PUT", f"story_allocation_days/{day['id']}", {"story_allocation_day": {"minutes": 60}})
    one = f"assignments/{given['id']}"
    assert first(client.get(one))["allocated_minutes"] == 300
    include = {"include": "story_allocation_days"}
    assert first(client.get(one, **include))["story_allocation_day_ids"] == []
    assert day["id"] in first(client.get(one, **include, plannable="true"))["story_allocation_day_ids"]
    assert client.call("DELETE", f"story_allocation_days/{day['id']}").status == 204
    client.send("PUT", one, {"assignment": {"estimated_minutes": 99}})
    assert first(client.get(one))["allocated_minutes"] == 240


def test_choices_of_custom_fields_are_chosen_by_id_and_found_by_it(client: Client) -> None:
    said = {"name": "Tier", "value_type": "multi", "subject_type": "workspace", "choices": ["Gold", {"label": "Tin"}]}
    field = client.make("custom_fields", "custom_field", **said)
    assert field["choices"] == [{"id": 1, "label": "Gold"}, {"id": 2, "label": "Tin"}]
    both, tin = (
        client.make(
            "workspaces", "workspace", title="T", custom_fields=[{"custom_field_id": field["id"], "value": value}]
        )
        for value in ([1, 2], [2])
    )
    shown = client.get("custom_field_values", subject_type="workspace", subject_id=both["id"])["custom_field_values"]
    own = next(each for each in shown.values() if each["custom_field_id"] == field["id"])
    assert (own["value"], own["display_value"], own["type"]) == ([1, 2], "Gold, Tin", "multi")
    assert ids(client.get("workspaces", by_custom_choice_value=f"({field['id']}:1)")) == [both["id"]]
    assert set(ids(client.get("workspaces", by_custom_choice_value=f"({field['id']}:1,2)"))) == {both["id"], tin["id"]}
    assert client.get("workspaces", by_custom_choice_value=f"({field['id']}:3):(9:1)")["count"] == 0
    wrong = {"custom_fields": [{"custom_field_id": field["id"], "value": [3]}]}
    assert client.refused("PUT", f"workspaces/{tin['id']}", {"workspace": wrong})[0] == 422


def test_a_seat_for_a_role_waits_for_a_person_and_keeps_its_bookings(
    client: Client, workspace: Body, landscape: Any
) -> None:
    seat = client.make("workspace_resources", "workspace_resource", workspace_id=workspace["id"], role_id="3")
    assert (seat["user_id"], seat["role_name"], seat["display_label"]) == (None, "Senior", "Senior")
    span = {"start_date": "2026-02-02", "end_date": "2026-02-06", "minutes": 600}
    client.make("workspace_allocations", "workspace_allocation", resource_id=seat["id"], **span)
    found = client.get("workspace_resources", workspace_id=workspace["id"], include="workspace,user,participation")
    shown = found["workspace_resources"][seat["id"]]
    assert (shown["total_allocated_minutes"], shown["allocations_count"]) == (600, 1)
    creators = [each for each in ids(found) if each != seat["id"]]
    assert ids(client.get(f"workspace_resources/{seat['id']}")) == [seat["id"]]
    both = first(
        client.get(f"workspaces/{workspace['id']}", include="workspace_resources_with_unnamed,workspace_resources")
    )
    named = both["workspace_resource_ids"]
    assert (both["workspace_resources_with_unnamed_ids"], named) == ([*creators, seat["id"]], creators)
    user = ids(client.get("users", order="created_at:asc"))[1]
    named = client.send("PUT", f"workspace_resources/{seat['id']}", {"workspace_resource": {"user_id": user}})
    assert (first(named)["id"], first(named)["user_id"], first(named)["role_name"]) == (seat["id"], user, "Senior")
    record = landscape.call("GET", f"/systems/psa/assignments/{seat['id']}").json
    assert (record["level"], record["planned_minutes"], record["status"]) == ("SENIOR", 600, "CONFIRMED")
    nobody = {"workspace_resource": {"workspace_id": workspace["id"]}}
    assert client.refused("POST", "workspace_resources", nobody)[1][0]["field"] == "user_id"


def test_hot_addresses_have_a_lower_limit_and_no_word_on_when_to_come_again(client: Client, landscape: Any) -> None:
    landscape.call("PUT", "/limits", {"psa": {"rate": 20}})
    try:
        replies = [client.call("GET", "workspaces", per_page=1) for _ in range(12)]
        others = [client.call("GET", "roles") for _ in range(3)]
    finally:
        landscape.call("PUT", "/limits", {})
    refused = [each for each in replies if each.status == 429]
    assert refused
    assert refused[0].json["errors"][0]["type"] == "system"
    assert "retry-after" not in refused[0].headers
    assert {each.status for each in others} == {200}


@pytest.mark.by_test("list_rate_card_set get_rate_card_set list_rate_card_set_version get_rate_card_set_version")
def test_rate_cards_of_one_code_are_a_set(client: Client, landscape: Any) -> None:
    for number in (1, 2):
        day = f"2026-0{number}-01"
        card = {"code": "SET", "card_version": number, "ccy": "USD", "effective_from": day}
        landscape.call("POST", "/systems/psa/rate_cards", {**card, "rows": [{"level": "SENIOR", "rate": "100"}]})
    one = next(each for each in client.get("rate_card_sets")["rate_card_sets"].values() if each["title"] == "SET")
    assert first(client.get(f"rate_card_sets/{one['id']}")) == one
    versions = client.get("rate_card_set_versions", rate_card_set_id=one["id"])
    days = [versions["rate_card_set_versions"][id]["effective_date"] for id in ids(versions)]
    assert days == ["2026-01-01", "2026-02-01"]
    assert ids(client.get(f"rate_card_set_versions/{ids(versions)[0]}"))
    assert client.get("rate_cards", rate_card_set_id=one["id"])["count"] == 2


def card_of(client: Client, title: str, **rates: int) -> tuple[Body, Body]:
    """A set with one card in dollars: the set and the card's version, with these rates by the ids of roles."""
    made = client.make("rate_card_sets", "rate_card_set", title=title)
    card = client.make("rate_cards", "rate_card", rate_card_set_id=made["id"], currency="USD")
    version = first(client.get("rate_card_versions", rate_card_id=card["id"]))
    for role, rate in rates.items():
        said = {"rate_card_version_id": version["id"], "role_id": role.removeprefix("role"), "rate": rate}
        client.make("rate_card_roles", "rate_card_role", **said)
    return made, version


@pytest.mark.by_test(
    "create_rate_card_set update_rate_card_set delete_rate_card_set create_rate_card create_rate_card_set_version"
    " delete_rate_card_set_version create_rate_card_role update_rate_card_role delete_rate_card_role list_rate_card_role"
    " get_rate_card_version get_rate_card_role"
)
def test_rate_cards_are_written_set_by_set_and_role_by_role(client: Client, landscape: Any) -> None:
    made, version = card_of(client, "WRITTEN", role1=10000, role3=25000)
    assert first(client.get(f"rate_card_versions/{version['id']}")) == version
    assert (version["effective_date"], version["default_rate"]) == ("2026-01-05", "0.00")
    stored = landscape.call("GET", f"/systems/psa/rate_cards/{version['id']}").json
    assert (stored["key"], stored["ccy"], stored["effective_from"]) == ("WRITTEN/1", "USD", "2026-01-05")
    assert [row["rate"] for row in stored["rows"]] == ["100.0000", "250.0000"]

    later = client.make(
        "rate_card_set_versions", "rate_card_set_version", rate_card_set_id=made["id"], effective_date="2026-07-01"
    )
    (card,) = [
        each
        for each in client.get("rate_card_versions")["rate_card_versions"].values()
        if each["effective_date"] == "2026-07-01"
    ]
    roles = {
        each["role_id"]: each
        for each in client.get("rate_card_roles", rate_card_version_id=card["id"])["rate_card_roles"].values()
    }
    assert {role: each["rate"] for role, each in roles.items()} == {
        "1": 10000,
        "3": 25000,
    }  # as before, until somebody changes them
    raised = first(client.send("PUT", f"rate_card_roles/{roles['3']['id']}", {"rate_card_role": {"rate": 27500}}))
    assert (raised["rate"], first(client.get(f"rate_card_roles/{raised['id']}"))["rate"]) == (27500, 27500)
    assert client.call("DELETE", f"rate_card_roles/{roles['1']['id']}").status == 204
    left = client.get("rate_card_roles", rate_card_version_id=card["id"])["rate_card_roles"].values()
    assert [(each["role_id"], each["rate"]) for each in left] == [("3", 27500)]
    assert client.call("DELETE", f"rate_card_set_versions/{later['id']}").status == 204
    assert client.get("rate_cards", rate_card_set_id=made["id"])["count"] == 1

    client.send("PUT", f"rate_card_sets/{made['id']}", {"rate_card_set": {"account_default": True}})
    sets = client.get("rate_card_sets")["rate_card_sets"].values()
    assert [each["title"] for each in sets if each["account_default"]] == ["WRITTEN"]
    assert client.call("DELETE", f"rate_card_sets/{made['id']}").status == 204
    assert client.get("rate_cards", rate_card_set_id=made["id"])["count"] == 0


@pytest.mark.by_test("update_rate_card_version delete_rate_card_version delete_rate_card")
def test_a_workspace_is_rated_by_its_card_and_a_version_in_use_stays(client: Client) -> None:
    _, version = card_of(client, "RATED", role1=12000)
    default = {"rate_card_version": {"default_rate": "175.50"}}
    assert first(client.send("PUT", f"rate_card_versions/{version['id']}", default))["default_rate"] == "175.50"
    workspace = client.make("workspaces", "workspace", title="Rated", rate_card_id=version["id"])
    levels = {
        each["id"]: each["default_role_id"]
        for each in client.get("account_memberships")["account_memberships"].values()
    }
    role = levels[client.keys["user_id"]]
    rate = 12000 if role == "1" else 17550
    assert booked(client, workspace, date_performed="2026-01-05")["rate_in_cents"] == rate
    for path in ("rate_card_versions", "rate_cards"):
        status, errors = client.refused("DELETE", f"{path}/{version['id']}")
        assert (status, errors[0]["message"]) == (422, "Rate card version is in use and can't be deleted")
    _, free = card_of(client, "FREE")
    assert client.call("DELETE", f"rate_card_versions/{free['id']}").status == 204
    _, other = card_of(client, "OTHER")
    assert client.call("DELETE", f"rate_cards/{other['id']}").status == 204


def test_a_rate_card_that_cannot_be_is_refused(client: Client) -> None:
    made, version = card_of(client, "REFUSED", role2=100)
    role = {"rate_card_version_id": version["id"], "role_id": "2", "rate": 100}
    day = {"rate_card_set_id": made["id"], "effective_date": "2026-01-05"}
    wrong: list[tuple[str, Body, str]] = [
        ("rate_card_set", {"title": "REFUSED"}, "Title has already been taken"),
        ("rate_card_set", {}, "Title can't be blank"),
        ("rate_card", {"rate_card_set_id": made["id"]}, "Currency can't be blank"),
        ("rate_card", {"rate_card_set_id": made["id"], "currency": "USD"}, "Currency has already been taken"),
        ("rate_card", {"rate_card_set_id": "1", "currency": "USD"}, "Rate card set can't be found"),
        ("rate_card_set_version", day, "Effective date has already been taken"),
        ("rate_card_set_version", {**day, "effective_date": "soon"}, "Effective date is not a date"),
        ("rate_card_role", role, "Role has already been taken"),
        ("rate_card_role", {**role, "role_id": "99"}, "Role can't be found"),
        ("rate_card_role", {**role, "role_id": "3", "rate": "much"}, "Rate is not a number"),
        ("rate_card_role", {**role, "rate_card_version_id": "1"}, "Rate card version can't be found"),
    ]
    for root, body, sentence in wrong:
        status, errors = client.refused("POST", f"{root}s", {root: body})
        assert (status, errors[0]["message"]) == (422, sentence)


# what nobody should send

ROOTS = {
    "rate_card_sets": "title account_default",
    "rate_cards": "rate_card_set_id currency",
    "rate_card_set_versions": "rate_card_set_id effective_date",
    "rate_card_roles": "rate_card_version_id role_id rate",
    "workspaces": "title price currency start_date rate_card_id status_key workspace_group_ids approver_ids access_level stage participations custom_fields external_reference",
    "workspace_groups": "name company add_workspace_ids custom_fields external_reference",
    "stories": "title workspace_id story_type parent_id due_date state sub_stories custom_fields",
    "participations": "workspace_id user_id role rate_in_cents workspace_role_id",
    "workspace_resources": "workspace_id user_id role_id start_date",
    "time_entries": "workspace_id date_performed time_in_minutes story_id user_id billable rate_in_cents notes",
    "expenses": "workspace_id date category expense_category_id amount_in_cents currency user_id notes",
    "billing_milestones": "title amount_in_cents workspace_id billing_type date_to_invoice story_id",
    "timesheet_submissions": "workspace_id line_item_ids title user_id",
    "invoices": "payment_schedule workspace_id time_entry_ids additional_items invoice_date tax_rate user_invoice_number",
    "external_payments": "invoice_id workspace_id amount_in_cents",
    "line_item_locks": "locked_to",
    "assignments": "story_id assignee_id resource_id estimated_minutes current",
    "workspace_allocations": "resource_id start_date end_date minutes hard notes",
    "story_allocation_days": "assignment_id date minutes",
    "account_invitations": "full_name email_address permission message",
    "skills": "name max_level description skill_category_id",
    "skill_memberships": "skill_id user_id level",
    "cost_rates": "account_membership_id amount_in_subunits currency effective_date end_date",
    "custom_fields": "name value_type subject_type choices",
    "custom_field_values": "subject_type subject_id custom_field_id value",
    "external_references/create_or_update": "subject_type subject_id service_name service_model service_model_ref",
}
SINGULAR = {
    "stories": "story",
    "time_entries": "time_entry",
    "external_references/create_or_update": "external_reference",
}
ODD = (
    None,
    "",
    "x" * 5000,
    10**18,
    -1,
    1.5,
    True,
    [],
    [None],
    [[]],
    {},
    {"a": 1},
    [{"a": 1}],
    "0001-01-01",
    "9" * 40,
    "\0",
)


@pytest.mark.parametrize("path", sorted(ROOTS))
def test_odd_values_are_refused_in_the_envelope_and_never_break_it(client: Client, staffed: Body, path: str) -> None:
    root = SINGULAR.get(path, path.removesuffix("s"))
    good = {
        "title": "T", "name": "N", "workspace_id": staffed["id"], "user_id": client.keys["user_id"], "role": "maven",
        "story_type": "task", "date_performed": "2026-01-02", "time_in_minutes": 5, "date": "2026-01-02", "category": "Food",
        "amount_in_cents": 5, "payment_schedule": 30, "value_type": "string", "subject_type": "workspace",
        "additional_items": [{"amount": 1}], "full_name": "N N", "email_address": "n@example.test",
    }  # fmt: skip
    names = ROOTS[path].split()
    for name in names:
        for odd in ODD:
            said = {each: good[each] for each in names if each in good} | {name: odd}
            reply = client.call("POST", path, {root: said})
            assert reply.status in (200, 422), (name, odd, reply.raw)
            if reply.status == 422:
                assert all(each["message"] and each["field"] for each in reply.json["errors"])


@pytest.mark.parametrize("value", ["", "x", "-1", "99999999999", "true", "0001-01-01", "a:b", ":", "%"])
def test_odd_parameters_are_ignored(client: Client, value: str) -> None:
    names = "page per_page limit offset order only search matching include optional_fields created_after archived workspace_id "
    names += "has_participant date_performed_between billable completed with_timesheet_id external_reference_service_model_ref"
    paging = {"page", "limit", "only", "search"}
    for path in ("workspaces", "stories", "time_entries", "invoices", "subscribed_events"):
        for some in (set(names.split()), set(names.split()) - paging, paging):
            assert client.call("GET", path, **dict.fromkeys(sorted(some), value)).status == 200, (path, some)


def test_every_write_that_a_route_offers_has_a_writer_and_no_writer_is_without_a_route() -> None:
    for verb, writers in (("create", writing.CREATE), ("update", writing.UPDATE), ("delete", writing.DELETE)):
        assert set(writers) == {key for key, kind in KINDS.items() if verb in kind.verbs.split()}, verb

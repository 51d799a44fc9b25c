"""Milestones in the PSA: delivery says when one is done, the customer when it is accepted."""

from __future__ import annotations

from counterfoil_mocks.deeds import Step, register_steps, walk
from counterfoil_mocks.kernel.fields import Record, text
from counterfoil_mocks.kernel.tx import Tx
from counterfoil_mocks.psa.model import MILESTONE, PROJECT, ROLE
from counterfoil_mocks.psa.projects import of_project, reference

register_steps(
    ROLE,
    MILESTONE,
    (
        Step("start_milestone", "IN_PROGRESS", "Begin work on a milestone.", sources=("PLANNED",)),
        Step(
            "accept_milestone",
            "ACCEPTED",
            "Record that the customer accepted a completed milestone.",
            "psa.milestone.accepted",
            asks=(text("accepted_by", "Who accepted for the customer.", limit=120, required=True),),
            keeps=("accepted_by",),
            stamps=("accepted_at",),
        ),
    ),
)


@ROLE.on_create(MILESTONE)
def create_milestone(tx: Tx, values: Record) -> Record:
    """A planned milestone of a project, in the project's currency."""
    project = reference(tx, PROJECT, "project", values.get("project"))
    return tx.insert(MILESTONE, {**values, **of_project(project), "ccy": project["ccy"]})


@ROLE.on_update(MILESTONE)
def update_milestone(tx: Tx, record: Record, changes: Record) -> Record:
    """A milestone may move to another project, and takes that project's numbers."""
    if "project" not in changes:
        return tx.update(MILESTONE, record, changes)
    project = reference(tx, PROJECT, "project", changes["project"])
    return tx.update(MILESTONE, record, {**changes, **of_project(project)})


@ROLE.action("complete_milestone", on=MILESTONE)
def complete_milestone(tx: Tx, subject: Record, values: Record) -> Record:
    """Record that a milestone is done; one that was never started is started on the way."""
    path = ("PLANNED", "IN_PROGRESS", "COMPLETED")
    return walk(tx, MILESTONE, subject, path, {"completed_at": tx.stamp}, event="psa.milestone.completed")


@ROLE.action(
    "uncomplete_milestone",
    text("reason", limit=255, required=True),
    text("approver", "Who approves.", limit=120, required=True),
    on=MILESTONE,
)
def uncomplete_milestone(tx: Tx, subject: Record, values: Record) -> Record:
    """Take completion (and acceptance) back, by approval; if it is invoiced, a credit memo comes first."""
    cleared = {"completed_at": None, "accepted_at": None, "accepted_by": None}
    path = ("ACCEPTED", "COMPLETED", "IN_PROGRESS")
    return walk(tx, MILESTONE, subject, path, cleared, event="psa.milestone.uncompleted", extra=dict(values))

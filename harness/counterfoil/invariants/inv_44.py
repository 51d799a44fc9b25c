"""INV-44: no event is lost. What an event must bring about is a table; an event without it, in time, is unaccounted for.

What is looked for in another system is a set that is made once (`IN`), since no index begins with a business key; within a system its name
is said, since all of them begin with that.
"""

from __future__ import annotations

from typing import NamedTuple

from counterfoil.invariant import Invariant
from counterfoil.roles import ROLES


class Effect(NamedTuple):
    """event: type without prefix and version. deadline: parameter. what: the effect. missing: SQL condition on the event `o` that
    holds while the effect is required and not there."""

    event: str
    deadline: str
    what: str
    missing: str

    @property
    def role(self) -> str:
        """Whose event it is."""
        return self.event.split(".", maxsplit=1)[0]


def lacks(value: str, table: str, column: str, where: str = "deleted_at IS NULL") -> str:
    """The condition that no row of a table has the value in its column."""
    return f"{value} NOT IN (SELECT {column} FROM {table} WHERE {column} IS NOT NULL AND {where})"


STILL_ACTIVE = "EXISTS (SELECT 1 FROM crm.contract k WHERE k.system = o.system AND k.id = o.record_id AND k.status IN ('ACTIVE', 'ON_HOLD') AND {})"
STILL_ISSUED = "EXISTS (SELECT 1 FROM live_invoice i WHERE i.system = o.system AND i.id = o.record_id AND {})"
STILL_AGREED = (
    "EXISTS (SELECT 1 FROM crm.change_order c WHERE c.system = o.system AND c.id = o.record_id"
    " AND c.status IN ('APPROVED', 'APPLIED') AND {})"
)
STILL_APPROVED = "EXISTS (SELECT 1 FROM work w WHERE w.system = o.system AND w.key = o.key AND w.approval = 'APPROVED' AND w.approved_at <= :dl_t AND {})"
NEWEST = "o.seq = (SELECT max(n.seq) FROM {}.outbox n WHERE n.record_id = o.record_id AND n.type = o.type) AND "
POSTED = "doc_type = '{}' AND status <> 'DRAFT' AND deleted_at IS NULL"
HELD_CHANGE = (
    "(c.contract_no, c.co_seq) NOT IN (SELECT contract_no, co_seq FROM {}.change_order"
    " WHERE contract_no IS NOT NULL AND co_seq IS NOT NULL AND deleted_at IS NULL)"
)
WORK_IN_BOOKS = lacks("w.key", "erp.work_entry", "source_id")
WORK_IN_BILLING = "w.billing <> 'NOT_BILLABLE' AND w.amount IS NOT NULL AND " + lacks(
    "w.key", "billing.billable_item", "source_id"
)
WANTED = "deleted_at IS NULL AND coalesce(billing_trigger, 'COMPLETED') = '{1}' AND coalesce(status, '') <> 'HELD'"
REACHED = (
    "EXISTS (SELECT 1 FROM psa.milestone m WHERE m.system = o.system AND m.id = o.record_id AND m.status IN ({0})"
    f" AND (m.contract_no IN (SELECT contract_no FROM billing.plan WHERE {WANTED})"
    f" OR '{{1}}' = 'COMPLETED' AND {lacks('m.contract_no', 'billing.plan', 'contract_no')})"
    " AND (m.contract_no, m.ms_code) NOT IN (SELECT p.contract_no, p.ms_code FROM billing.plan_line p WHERE p.contract_no IS NOT NULL"
    " AND p.ms_code IS NOT NULL AND p.deleted_at IS NULL AND p.status IN ('INVOICED', 'HELD', 'CANCELLED')))"
)
OTHERWISE_PAID = (
    "SELECT a.{} FROM erp.payment_application a JOIN erp.ar_document d ON d.id = a.ar_document AND d.updated_at <= :dl_y"
    " JOIN live_invoice i ON i.invoice_no = a.invoice_no WHERE coalesce(i.paid, 0) <> coalesce(d.paid, 0)"
)
PAID = f"(o.record_id IN ({OTHERWISE_PAID.format('id')}) OR o.record_id IN ({OTHERWISE_PAID.format('payment')}))"

EFFECTS = (
    Effect(
        "crm.opportunity.closed_won",
        "dl_p",
        "contract active",
        "EXISTS (SELECT 1 FROM crm.opportunity p WHERE p.system = o.system AND p.id = o.record_id AND p.stage = 'CLOSED_WON'"
        " AND (p.system, p.id) IN (SELECT k.system, k.opportunity FROM crm.contract k WHERE k.status = 'APPROVED' AND k.deleted_at IS NULL))",
    ),
    Effect(
        "crm.contract.activated",
        "dl_p",
        "project",
        STILL_ACTIVE.format(lacks("k.contract_no", "psa.project", "contract_no")),
    ),
    Effect(
        "crm.contract.activated",
        "dl_p",
        "plan",
        STILL_ACTIVE.format(lacks("k.contract_no", "billing.plan", "contract_no")),
    ),
    Effect(
        "crm.contract.activated",
        "dl_p",
        "schedules",
        STILL_ACTIVE.format(
            "EXISTS (SELECT 1 FROM crm.contract_line l WHERE l.system = k.system AND l.parent = k.id AND l.type <> 'EXPENSE'"
            " AND (k.contract_no, l.line_no) NOT IN (SELECT contract_no, line_no FROM erp.revenue_schedule"
            " WHERE contract_no IS NOT NULL AND line_no IS NOT NULL AND deleted_at IS NULL))"
        ),
    ),
    Effect(
        "billing.plan.created",
        "dl_b",
        "mobilisation invoice",
        "EXISTS (SELECT 1 FROM billing.plan_line p WHERE p.system = o.system AND p.plan = o.record_id AND p.kind = 'MOBILISATION'"
        " AND p.status IN ('SCHEDULED', 'READY') AND p.deleted_at IS NULL)"
        " AND EXISTS (SELECT 1 FROM billing.plan b WHERE b.system = o.system AND b.id = o.record_id AND b.status = 'ACTIVE')",
    ),
    Effect(
        "billing.plan.changed",
        "dl_b",
        "invoice of a due line",
        "EXISTS (SELECT 1 FROM billing.plan_line p JOIN billing.plan b ON b.system = p.system AND b.id = p.plan AND b.status = 'ACTIVE'"
        " WHERE p.system = o.system AND p.id = o.record_id AND p.kind IN ('TM_CYCLE', 'SCHEDULE', 'RETAINER') AND p.status = 'READY'"
        " AND p.version = o.version AND p.deleted_at IS NULL)",
    ),
    Effect(
        "psa.milestone.completed", "dl_b", "milestone invoice", REACHED.format("'COMPLETED', 'ACCEPTED'", "COMPLETED")
    ),
    Effect("psa.milestone.accepted", "dl_b", "milestone invoice", REACHED.format("'ACCEPTED'", "ACCEPTED")),
    Effect("psa.time.approved", "dl_t", "work entry in the books", STILL_APPROVED.format(WORK_IN_BOOKS)),
    Effect("psa.time.approved", "dl_t", "billable item", STILL_APPROVED.format(WORK_IN_BILLING)),
    Effect("psa.expense.approved", "dl_t", "work entry in the books", STILL_APPROVED.format(WORK_IN_BOOKS)),
    Effect("psa.expense.approved", "dl_t", "billable item", STILL_APPROVED.format(WORK_IN_BILLING)),
    Effect(
        "billing.invoice.issued",
        "dl_i",
        "receivable in the books",
        STILL_ISSUED.format(lacks("i.invoice_no", "erp.ar_document", "invoice_no", POSTED.format("INVOICE"))),
    ),
    Effect(
        "billing.invoice.issued",
        "dl_i",
        "invoice in the CRM",
        STILL_ISSUED.format(lacks("i.invoice_no", "crm.invoice", "invoice_no")),
    ),
    Effect(
        "billing.invoice.issued",
        "dl_i",
        "work marked as billed",
        STILL_ISSUED.format(
            "EXISTS (SELECT 1 FROM billing.invoice_item t WHERE t.system = i.system AND t.parent = i.id"
            " AND t.source_id IN (SELECT w.key FROM work w WHERE w.billing IN ('UNBILLED', 'SELECTED')))"
            " AND NOT EXISTS (SELECT 1 FROM live_credit m WHERE m.system = i.system AND m.corrects = i.invoice_no AND m.release_items = 1)"
        ),
    ),
    Effect(
        "billing.credit_memo.issued",
        "dl_i",
        "credit memo in the books",
        "EXISTS (SELECT 1 FROM live_credit m WHERE m.system = o.system AND m.id = o.record_id AND "
        + lacks("m.cm_no", "erp.ar_document", "invoice_no", POSTED.format("CREDIT_MEMO"))
        + ")",
    ),
    Effect(
        "erp.invoice.posted",
        "dl_s",
        "status in billing",
        "EXISTS (SELECT 1 FROM erp.ar_document d WHERE d.system = o.system AND d.id = o.record_id AND d.doc_type = 'INVOICE'"
        " AND d.invoice_no IN (SELECT i.invoice_no FROM live_invoice i WHERE i.status = 'ISSUED'))",
    ),
    Effect("erp.payment.applied", "dl_y", "paid amount in billing", PAID),
    Effect("erp.payment.reversed", "dl_y", "paid amount in billing", PAID),
    Effect(
        "crm.change_order.approved", "dl_c", "budget in the project", STILL_AGREED.format(HELD_CHANGE.format("psa"))
    ),
    Effect("crm.change_order.approved", "dl_c", "billing plan", STILL_AGREED.format(HELD_CHANGE.format("billing"))),
    Effect("crm.change_order.approved", "dl_c", "price in the books", STILL_AGREED.format(HELD_CHANGE.format("erp"))),
    Effect("crm.change_order.approved", "dl_c", "applied in the CRM", STILL_AGREED.format("c.status = 'APPROVED'")),
    Effect(
        "crm.account.merged",
        "dl_m",
        "copies of the merged account",
        "EXISTS (SELECT 1 FROM json_each(o.extra, '$.losers') e JOIN link l ON l.golden_id = json_extract(e.value, '$.id'))",
    ),
    *(
        Effect(
            "crm.contract.terminated",
            "dl_c",
            what,
            f"EXISTS (SELECT 1 FROM crm.contract k WHERE k.system = o.system AND k.id = o.record_id"
            f" AND k.contract_no IN (SELECT contract_no FROM {table} WHERE deleted_at IS NULL AND {runs}))",
        )
        for what, table, runs in (
            ("end of the plan", "billing.plan", "status <> 'CLOSED'"),
            ("end of the project", "psa.project", "status NOT IN ('CLOSED', 'CANCELLED')"),
            ("end of the schedules", "erp.revenue_schedule", "status IN ('ACTIVE', 'ON_HOLD')"),
        )
    ),
    Effect(
        "crm.account.updated",
        "dl_m",
        "copies of the customer",
        NEWEST.format("crm") + "o.record_id IN (SELECT d.crm_id FROM differing_copy d WHERE d.entity = 'customer')",
    ),
    Effect(
        "crm.site.changed",
        "dl_m",
        "copies of the site",
        NEWEST.format("crm") + "o.record_id IN (SELECT d.crm_id FROM differing_copy d WHERE d.entity = 'site')",
    ),
    *(
        Effect(
            "crm.site.changed",
            "dl_m",
            f"site in {where}",
            f"EXISTS (SELECT 1 FROM crm.site g JOIN link l ON l.golden_id = g.customer AND l.role = '{role}'"
            f" JOIN {role}.customer c ON c.system = l.system AND c.id = l.id AND c.created_at <= o.at"
            " WHERE g.system = o.system AND g.id = o.record_id AND g.deleted_at IS NULL AND "
            + lacks("g.key", f"{role}.site", "key")
            + ")",
        )
        for role, where in (("billing", "billing"), ("erp", "the books"))
    ),
    Effect(
        "crm.rate_card.published",
        "dl_m",
        "rate card in the project system",
        lacks("o.key", "psa.rate_card", "key"),
    ),
    Effect(
        "crm.rate_card.published",
        "dl_m",
        "rate card in billing",
        lacks("o.key", "billing.rate_card", "key"),
    ),
    Effect(
        "psa.etc.updated",
        "dl_r",
        "estimate in the books",
        NEWEST.format("psa")
        + "o.record_id IN (SELECT p.id FROM psa.project p JOIN erp.revenue_schedule s ON s.contract_no = p.contract_no AND s.status = 'ACTIVE'"
        " AND s.method IN ('COST_TO_COST', 'HOURS') AND s.deleted_at IS NULL"
        " WHERE s.etc_cost IS NOT p.etc_cost AND s.method = 'COST_TO_COST' OR s.etc_hours IS NOT p.etc_hours AND s.method = 'HOURS'"
        " GROUP BY p.id HAVING count(*) = 1)",
    ),
)

UNACCOUNTED = " UNION ALL ".join(
    f"SELECT 'event without {each.what}' AS what, o.type, o.id AS event_id, o.key, o.system, o.at, '{each.role}' AS role, o.seq"
    f" FROM {each.role}.outbox o WHERE o.type = 'com.counterfoil.{each.event}.v1' AND o.at <= :{each.deadline} AND {each.missing}"
    for each in EFFECTS
)
TRIED = " UNION ALL ".join(
    f"SELECT '{role}' AS role, event_seq, group_concat(state || coalesce(' ' || last_error, ''), ', ') AS deliveries"
    f" FROM {role}.delivery GROUP BY event_seq"
    for role in ROLES
)

EFFECT_AT = (
    ("crm.contract.activated", "dl_p", "psa.project", "f.contract_no = o.key"),
    ("crm.contract.activated", "dl_p", "billing.plan", "f.contract_no = o.key"),
    ("crm.contract.activated", "dl_p", "erp.revenue_schedule", "f.contract_no = o.key"),
    ("crm.change_order.approved", "dl_c", "psa.change_order", "f.key = o.key"),
    ("crm.change_order.approved", "dl_c", "billing.change_order", "f.key = o.key"),
    ("crm.change_order.approved", "dl_c", "erp.change_order", "f.key = o.key"),
    ("psa.time.approved", "dl_t", "erp.work_entry", "f.source_id = o.key"),
    ("psa.expense.approved", "dl_t", "erp.work_entry", "f.source_id = o.key"),
    ("billing.invoice.issued", "dl_i", "erp.ar_document", "f.invoice_no = o.key"),
)
"""Event, deadline, table of the effect and what joins them: an effect may come late only where somebody was told."""
LATE = " UNION ALL ".join(
    f"SELECT 'late {table}, nobody was told' AS what, o.type, o.id AS event_id, o.key, o.system, v.at AS at, min(f.created_at)"
    f" FROM {event.split('.', maxsplit=1)[0]}.outbox o JOIN delivered v ON v.event_id = o.id JOIN {table} f ON {same}"
    f" WHERE o.type = 'com.counterfoil.{event}.v1' AND NOT EXISTS (SELECT 1 FROM int_event e"
    " WHERE e.type IN ('int.exception.raised', 'int.dlq.parked') AND (e.ref = o.id OR e.key = o.key))"
    f" GROUP BY o.id HAVING min(f.created_at) > later(v.at, :{deadline}_minutes)"
    for event, deadline, table, same in EFFECT_AT
)
DELIVERED = """
delivered AS MATERIALIZED (
    SELECT event_id, min(at) AS at FROM journal.entry WHERE kind = 'delivery' AND status BETWEEN 200 AND 299 GROUP BY event_id
)
"""

LEFT_OPEN = """
SELECT 'dead letter nobody owns', p.type, p.id, p.key, '', p.at, p.ref FROM int_event p
WHERE p.type = 'int.dlq.parked' AND p.at <= :dl_q AND p.owner IS NULL AND NOT EXISTS (
    SELECT 1 FROM int_event r WHERE r.type = 'int.dlq.replayed' AND r.at >= p.at AND coalesce(r.ref = p.ref, r.key = p.key))
UNION ALL
SELECT 'exception nobody resolved', p.type, p.id, p.key, '', p.at, p.severity FROM int_event p
WHERE p.type = 'int.exception.raised' AND p.owner IS NULL AND p.at <= CASE upper(coalesce(p.severity, 'S4'))
    WHEN 'S1' THEN :dl_x_s1 WHEN 'S2' THEN :dl_x_s2 WHEN 'S3' THEN :dl_x_s3 ELSE :dl_x_s4 END
    AND NOT EXISTS (SELECT 1 FROM int_event r WHERE r.type = 'int.exception.resolved' AND r.at >= p.at AND coalesce(r.ref = p.ref, r.key = p.key))
"""

INVARIANT = Invariant(
    id="INV-44",
    rule="Every event has had its effect or stands before a person as an exception; dead letters are empty or owned.",
    kind="E",
    deadlines=("DL-X", "DL-Q"),
    presupposes=("dead_letters",),
    keys=("what", "event_id", "key"),
    sql=f"WITH {DELIVERED}, unaccounted AS MATERIALIZED ({UNACCOUNTED}), tried AS MATERIALIZED ({TRIED})"
    " SELECT what, type, event_id, key, system, at, deliveries FROM unaccounted u LEFT JOIN tried t ON t.role = u.role AND t.event_seq = u.seq"
    f" UNION ALL {LATE} UNION ALL {LEFT_OPEN}",
)

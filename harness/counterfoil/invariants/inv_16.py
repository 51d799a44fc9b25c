"""INV-16: time belongs to an open task of a project that the person works on."""

from counterfoil.invariant import Invariant

INVARIANT = Invariant(
    id="INV-16",
    rule="Submitted and approved time is on a task of its project that was open on the day of the work, by somebody who was assigned to the project"
    " on that day.",
    kind="A",
    keys=("what", "entry_id"),
    sql="""
WITH entry AS (
    SELECT t.* FROM psa.time_entry t WHERE t.deleted_at IS NULL AND t.approval IN ('SUBMITTED', 'APPROVED')
)
SELECT CASE WHEN k.id IS NULL OR k.project <> t.project THEN 'task of another project' ELSE 'task was not open' END AS what, t.entry_id,
    t.contract_no, t.ccy, coalesce(t.amount, 0) AS amount, t.work_date, k.key AS task, k.status AS task_status, k.open_from, k.open_to
FROM entry t LEFT JOIN psa.task k ON k.system = t.system AND k.id = t.task AND k.deleted_at IS NULL
WHERE k.id IS NULL OR k.project <> t.project OR k.open_from > t.work_date OR k.open_to < t.work_date
    OR k.status = 'CLOSED' AND k.open_to IS NULL AND t.created_at > k.updated_at
UNION ALL
SELECT 'nobody assigned', t.entry_id, t.contract_no, t.ccy, coalesce(t.amount, 0), t.work_date, t.employee_no, NULL, NULL, NULL
FROM entry t WHERE NOT EXISTS (
    SELECT 1 FROM psa.assignment a WHERE a.system = t.system AND a.project = t.project AND a.employee = t.employee AND a.deleted_at IS NULL
        AND a.status <> 'CANCELLED' AND coalesce(a.from_date, '') <= t.work_date AND coalesce(a.to_date, '9999') >= t.work_date)
UNION ALL
SELECT 'opened again by no person', json_extract(h.doc, '$.key'), json_extract(h.doc, '$.contract_no'), NULL, 0, NULL, json_extract(h.doc, '$.key'),
    'OPEN', NULL, NULL
FROM psa.history h WHERE h.entity = 'task' AND h.deed = 'reopen_task' AND h.causation_id IS NOT NULL
""",
)

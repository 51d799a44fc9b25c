"""INV-47: the integration is a well-behaved client. All of it is read from the journal of calls."""

from counterfoil.invariant import Invariant

MOST_REPEATS = 8
STARTED = 0.5
"""Wall seconds after a refusal in which calls may arrive that were under way when it was given."""
EARLY = 0.1
"""Wall seconds that clocks and schedulers may differ by: between being let in and being written down, too, which is why a pace is of a second less that."""
HALF = 3
"""Gaps at the beginning and at the end of a row of attempts that are compared; shorter rows than twice that tell nothing."""
GROWTH = 1.5

CALL = f"""
call AS MATERIALIZED (
    SELECT seq, system, client, operation, key, method, path, request, causation_id, status, fault, credential, retry_after, at,
        wall - coalesce(micros, 0) / 1000000.0 AS began, wall AS ended, CAST(wall - coalesce(micros, 0) / 1000000.0 AS INTEGER) AS second
    FROM journal.entry WHERE kind = 'request'
        AND seq > coalesce((SELECT CAST(value AS INTEGER) FROM control.meta WHERE name = 'since'), 0)
),
message AS MATERIALIZED (
    SELECT *, lag(seq) OVER same AS last_seq, lag(ended) OVER same AS last_ended, lag(status) OVER same AS last_status,
        lag(retry_after) OVER same AS last_wait, row_number() OVER same AS nth
    FROM call WHERE client IS NOT NULL AND method <> 'GET' AND operation NOT IN ('token', 'query') AND operation NOT GLOB 'list_*'
    WINDOW same AS (PARTITION BY system, client, method, path, request, causation_id ORDER BY began)
),
often AS MATERIALIZED (
    SELECT DISTINCT system, client, path, coalesce(causation_id, '') AS causation_id FROM message WHERE nth > 2 * {HALF}
),
attempt AS MATERIALIZED (
    SELECT *, sum(CASE WHEN last_seq IS NOT NULL AND coalesce(last_status, 503) IN (408, 425, 429, 500, 502, 503, 504)
            AND NOT EXISTS (SELECT 1 FROM journal.entry x WHERE x.seq BETWEEN m.last_seq AND m.seq
                AND (x.kind = 'delivery' AND x.event_id = m.causation_id OR x.kind = 'integration' AND x.causation_id = m.causation_id))
            THEN 0 ELSE 1 END) OVER (PARTITION BY system, client, method, path, request, causation_id ORDER BY began) AS series
    FROM message m WHERE (system, client, path, coalesce(causation_id, '')) IN (SELECT * FROM often)
),
tried AS MATERIALIZED (
    SELECT *, began - last_ended AS gap, row_number() OVER one AS number, count(*) OVER one_in_all AS tries,
        max(retry_after) OVER one_in_all AS told
    FROM attempt
    WINDOW one AS (PARTITION BY system, client, method, path, request, causation_id, series ORDER BY began),
        one_in_all AS (PARTITION BY system, client, method, path, request, causation_id, series)
)
"""
"""Calls, and the whole second in which each began, since the state was last restored; a message is one write for one cause, a series its attempts until an answer, or until it
was put aside or told of anew. A pace is of what was let in, and of what was refused to a client that had been refused before and could know. Only of what was sent so often that its gaps tell something are the series made."""

INVARIANT = Invariant(
    id="INV-47",
    rule="The integration keeps to each system's limits: it waits as long as it is told to, repeats a message at most eight times with"
    " growing gaps, and lets go of a credential that was replaced.",
    kind="A",
    keys=("what", "system", "journal_seq"),
    sql=f"""
WITH RECURSIVE {CALL},
refusal AS (
    SELECT seq, system, client, retry_after, ended + {STARTED} AS first, ended + retry_after - {EARLY} AS last FROM call
    WHERE retry_after IS NOT NULL
),
waiting AS (
    SELECT *, CAST(first AS INTEGER) AS second FROM refusal WHERE first <= last
    UNION ALL SELECT seq, system, client, retry_after, first, last, second + 1 FROM waiting WHERE second < CAST(last AS INTEGER)
),
allowed AS (
    SELECT s.key AS system, json_extract(s.value, '$.rate') AS rate,
        coalesce(json_extract(s.value, '$.burst'), json_extract(s.value, '$.rate')) AS burst
    FROM control.meta m, json_each(m.value) s WHERE m.name = 'limits' AND json_extract(s.value, '$.rate') IS NOT NULL
),
heard AS (
    SELECT *, min(CASE WHEN retry_after IS NOT NULL THEN ended END) OVER (
        PARTITION BY system, client ORDER BY began RANGE BETWEEN {1 + STARTED} PRECEDING AND CURRENT ROW) AS refused_at
    FROM call
),
pace AS (
    SELECT c.seq, c.system, c.client, c.operation, c.key, c.at, a.rate, a.burst, count(*) OVER (
        PARTITION BY c.system, c.client ORDER BY c.began RANGE BETWEEN {1 - EARLY} PRECEDING AND CURRENT ROW) AS calls
    FROM heard c JOIN allowed a ON a.system = c.system WHERE c.client IS NOT NULL AND c.operation <> 'token'
        AND (c.retry_after IS NULL OR c.refused_at <= c.began - {STARTED})
),
shown AS (
    SELECT *, min(CASE WHEN status IN (400, 401) THEN ended END) OVER (PARTITION BY system, credential) AS refused_at,
        lag(seq) OVER again AS before_seq, lag(status) OVER again AS before_status, lag(fault) OVER again AS before_fault
    FROM call WHERE credential IS NOT NULL WINDOW again AS (PARTITION BY system, credential, operation ORDER BY began)
)
SELECT 'repeated before Retry-After' AS what, system, seq AS journal_seq, operation, key, at, client,
    last_wait AS expected, round(began - last_ended, 3) AS found
FROM message WHERE last_wait IS NOT NULL AND began < last_ended + last_wait - {EARLY}
UNION ALL
SELECT 'called before Retry-After', c.system, min(c.seq), c.operation, c.key, c.at, c.client, r.retry_after, count(*)
FROM waiting r JOIN call c ON c.system = r.system AND c.client = r.client AND c.second = r.second AND c.operation <> 'token'
    AND c.began BETWEEN r.first AND r.last
GROUP BY c.system, c.client
UNION ALL
SELECT 'more calls in a second than limit and burst', system, min(seq), operation, key, at, client, rate + burst, max(calls)
FROM pace WHERE calls > rate + burst GROUP BY system, client
UNION ALL
SELECT 'repeated more than {MOST_REPEATS} times', system, seq, operation, key, at, client, {MOST_REPEATS}, tries - 1
FROM tried WHERE number = {MOST_REPEATS} + 2
UNION ALL
SELECT 'repeated without growing gaps', system, max(seq), operation, key, min(at), client,
    round({GROWTH} * avg(CASE WHEN number <= {HALF} + 1 THEN gap END), 3), round(avg(CASE WHEN number > tries - {HALF} THEN gap END), 3)
FROM tried WHERE number > 1 AND tries > 2 * {HALF} AND told IS NULL GROUP BY system, client, method, path, request, causation_id, series
HAVING avg(CASE WHEN number > tries - {HALF} THEN gap END) < {GROWTH} * avg(CASE WHEN number <= {HALF} + 1 THEN gap END)
UNION ALL
SELECT 'refresh token used twice', system, seq, operation, key, at, client, NULL, before_seq
FROM shown WHERE operation = 'token' AND before_status = 200 AND before_fault IS NULL
UNION ALL
SELECT 'credential used after it was refused', system, min(seq), operation, key, at, client, NULL, count(*)
FROM shown WHERE status = 401 AND began > refused_at + {STARTED} GROUP BY system, credential
""",
)

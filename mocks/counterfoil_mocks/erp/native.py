"""What the ERP's native face says of itself; its operations are those of every role."""

from __future__ import annotations

from counterfoil_mocks.kernel.native import About

FACE = About(
    "ERP",
    "The books: receivables, payments, revenue and the general ledger. A change needs `If-Match` (428 without it, 412 when stale); "
    "POSTs honour `Idempotency-Key` for 24 business hours; a batch takes 100 records. Lists come by cursor, at most 100 a page. "
    "Creating an `ar_document` posts it.",
)

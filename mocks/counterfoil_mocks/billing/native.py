"""What the billing system's native face says of itself; its operations are those of every role."""

from __future__ import annotations

from counterfoil_mocks.kernel.native import About

FACE = About(
    "Billing",
    "Billing plans, billable items, invoices and credit memos. A change needs `If-Match` (428 without it, 412 when stale); POSTs honour "
    "`Idempotency-Key` for 24 business hours. Lists come by cursor, at most 100 a page. It bills what it is told to bill: also what "
    "was billed before.",
)

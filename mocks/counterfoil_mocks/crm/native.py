"""What the CRM's native face says of itself; its operations are those of every role."""

from __future__ import annotations

from counterfoil_mocks.kernel.native import About

FACE = About(
    "CRM",
    "Accounts, deals, quotes, contracts and change orders. Blind changes are taken (`If-Match` is looked at where it is sent), so two "
    "writers can lose an update. Lists come by cursor, at most 200 a page; record times have a resolution of one second, so list "
    "again from the last `updated_at` (it is inclusive) and expect records twice. Ids are 18 characters, and case matters.",
)

"""What the PSA's native face says of itself; its operations are those of every role."""

from __future__ import annotations

from counterfoil_mocks.kernel.native import About

FACE = About(
    "PSA",
    "Projects, tasks, people, time, expenses and milestones. PUT replaces a record: what it omits is cleared; PATCH merges. There are "
    "neither idempotency keys nor upserts: search before you create. Lists come by offset, at most 100 a page. Ids are integers, "
    "written as text.",
)

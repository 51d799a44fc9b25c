"""A contract whose books have come from another ERP, and what may go wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Books

MOVED = "2026-02-15T10:00:00.000Z"
OLD = "erp_a"
TABLES = ("handover", "handover_line", "ar_document", "work_entry", "journal_entry", "journal_line")


def build(books: Books) -> None:
    """One open document, one piece of work and 5.00 of work in progress, closed in the old books and opened in the new."""
    here = {"contract_no": "CT-0001", "legal_entity": "CF-US", "ccy": "USD"}
    held = [{"account": "1220", "ccy": "USD", "dr": 500, "cr": 0, "func_ccy": "USD", "func_dr": 500, "func_cr": 0}]
    gone = {"deleted_at": MOVED, **here}
    books.put(
        "erp.handover",
        MOVED,
        id="OLD-H",
        to_system="erp",
        as_of="2026-02-15",
        documents=["OLD-D"],
        work=["OLD-W"],
        schedules=[],
        lines=held,
        **here,
    )
    books.put(
        "erp.ar_document",
        MOVED,
        id="OLD-D",
        invoice_no="INV-US-OLD",
        doc_type="INVOICE",
        status="POSTED",
        open_amount=700,
        **gone,
    )
    books.put("erp.work_entry", MOVED, id="OLD-W", source_type="TIME", source_id="T0", line_no=1, **gone)
    closing = books.entry("JE-OLD", MOVED, "HANDOVER", "9900 5.00 | 1220 -5.00", contract_no="CT-0001")
    for table in TABLES:
        owner = "parent" if table.endswith("_line") else "id"
        books.store.execute(
            f"UPDATE erp.{table} SET system = '{OLD}' WHERE {owner} LIKE 'OLD-%' OR {owner} = '{closing['id']}'"
        )
    for entity, legacy, more in (
        (
            "ar_document",
            "OLD-D",
            {"invoice_no": "INV-US-OLD", "doc_type": "INVOICE", "status": "DRAFT", "open_amount": 700},
        ),
        ("work_entry", "OLD-W", {"source_type": "TIME", "source_id": "T0", "line_no": 1, "deleted_at": MOVED}),
    ):
        books.put(
            f"erp.{entity}",
            MOVED,
            id=f"NEW-{legacy}",
            ext_refs=[{"system": OLD, "type": entity, "id": legacy}],
            **here,
            **more,
        )
    books.entry("JE-OPEN", MOVED, "OPENING", "1220 5.00 | 9900 -5.00", contract_no="CT-0001")


LOADED = (
    "INSERT INTO erp.history (system, entity, id, version, at, deed, actor, doc)"
    " VALUES ('erp', 'ar_document', 'NEW-OLD-D', 1, '2026-02-15T10:00:00.000Z', 'load_ar_document', 'somebody', '{\"open_amount\": 900}')"
)
PLANTED = (
    ("INV-49", "DELETE FROM erp.work_entry WHERE id = 'NEW-OLD-W'", "work_entry OLD-W"),
    (
        "INV-49",
        'again erp.ar_document id=\'NEW-OLD-D\' ext_refs=\'[{"system":"erp_a","type":"ar_document","id":"OLD-D"}]\'',
        "ar_document OLD-D",
    ),
    (
        "INV-49",
        "UPDATE erp.journal_line SET dr = 600 WHERE dr = 500 AND account = '1220' AND system = 'erp'",
        "balance of 1220",
    ),
    ("INV-49", LOADED, "open amount"),
    (
        "INV-49",
        "UPDATE erp.journal_entry SET source_doc = 'invoice INV-US-OLD' WHERE je_no = 'JE-OPEN'",
        "posted again",
    ),
    (
        "INV-34",
        "UPDATE erp.ar_document SET status = 'POSTED', total = 700, paid = 0, credited = 0, written_off = 0, open_amount = 600 WHERE id = 'NEW-OLD-D'",
        "INV-US-OLD",
    ),
)

"""The billing engine: plans, billable items, invoices and credit memos."""

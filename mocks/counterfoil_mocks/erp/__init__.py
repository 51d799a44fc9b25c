"""The ERP: receivables, cash, revenue and the general ledger."""

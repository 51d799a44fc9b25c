"""The chart of accounts (domain §3.0)."""

from __future__ import annotations

ACCOUNTS = {
    "1000": "Cash",
    "1200": "Accounts receivable",
    "1210": "Allowance for doubtful accounts",
    "1220": "Unbilled receivable",
    "1230": "Contract asset",
    "1600": "Intercompany receivable",
    "2200": "Tax payable",
    "2300": "Contract liability",
    "2350": "Unapplied receipts",
    "2400": "Loss provision",
    "2500": "Labour clearing",
    "2510": "Employee expenses payable",
    "2600": "Intercompany payable",
    "4000": "Revenue fixed fee",
    "4010": "Revenue time and materials",
    "4020": "Revenue retainer",
    "4030": "Reimbursed-expense revenue",
    "4100": "Intercompany revenue",
    "5000": "Labour cost",
    "5010": "Reimbursable cost",
    "5030": "Intercompany cost",
    "6100": "Bad-debt expense",
    "6110": "Loss-contract cost",
    "7100": "Realised FX",
    "7110": "Unrealised FX",
    "9000": "Rounding",
    "9900": "Migration clearing",
}

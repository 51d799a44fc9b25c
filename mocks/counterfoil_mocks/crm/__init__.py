"""The CRM: customers, opportunities, quotes, contracts, rate cards and change orders."""

"""Counterfoil, a testbed for quote-to-cash integrations: the harness and its public API."""

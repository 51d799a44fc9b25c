"""Kantata OX's REST API (v1) in front of the PSA."""

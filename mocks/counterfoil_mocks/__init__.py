"""The fakes: four systems of a services firm that speak real wire protocols. Knows nothing of the harness."""

"""What each side of an integration may rely on: as documents, as pacts, recorded, verified, compared."""

"""Wire protocols that several vendors share, and the field maps that all of them are told with. Knows no vendor."""

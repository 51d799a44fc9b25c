"""What every system stands on. Knows no role and no vendor."""

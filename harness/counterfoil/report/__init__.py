"""What people and machines read after a run: one page, JSON, exports. JUnit comes from pytest itself."""

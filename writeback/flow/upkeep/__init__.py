"""What keeps the rest going: the sweeper, readiness, restores. It knows every step; no step knows it."""

"""A secret key for tests that open the service: as good as a real one, and the same each time."""

SECRET_KEY = "test-vN8kQ2x5Lr0ZpYw7Tj3mHc9bUe4sGf6aDo1iKR"

"""Queries of schools, of their cached lists, and of what waits for them."""

"""Lookups kept in memory by version."""

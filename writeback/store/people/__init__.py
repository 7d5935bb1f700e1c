"""Queries of staff, and the audit log."""

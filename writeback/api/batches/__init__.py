"""Batches: files of many rows."""

"""Queries of batches, and of bulk jobs."""

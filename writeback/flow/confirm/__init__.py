"""Confirm: hints, polls and read-backs become evidence. Read `confirmer`, then `settle`. Called by the worker."""

"""Dispatch: one lane sends one request. Read `dispatcher`, then `claim`, then `finish`. Called by the worker."""

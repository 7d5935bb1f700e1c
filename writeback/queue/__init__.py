"""Waking workers: arq behind a small port, and the embedded Redis."""

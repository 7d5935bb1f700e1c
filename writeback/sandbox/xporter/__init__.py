"""Simulated Xporter: the token service, reads and attendance writeback, written from its document alone."""

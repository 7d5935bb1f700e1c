"""Simulated Wonde: routes under `/v1.0`, written from its document alone."""

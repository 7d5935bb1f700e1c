"""Moves: what waits, or has failed, with ids that its school had before a move of MIS or a new year."""

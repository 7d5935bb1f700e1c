"""Wonde: attendance through its API (Wonde 2127, 2332), statuses by poll (8744), lookups by page."""

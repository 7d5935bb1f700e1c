"""Xporter (Groupcall): attendance through its asynchronous endpoint (Xporter 14007), results by callback (14119)."""

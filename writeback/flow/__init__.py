"""The way of a writeback: accept, dispatch, confirm, sweep, sync. Read these and know the system."""

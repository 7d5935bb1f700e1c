"""What people read: lists, filters, search, counts, one writeback with all that happened to it."""

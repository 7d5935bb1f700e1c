"""Data subjects: what is kept of one person, and its erasure."""

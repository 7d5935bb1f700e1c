"""What providers say of schools, and schools' lists: events, watching, syncs. Called by hooks and by the worker."""

"""Directory: finding a school's people as the school knows them. Called by accept, batches and the API."""

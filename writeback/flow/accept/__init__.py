"""Accept: from an app's bytes to a durable writeback and its answer. Called by the API and by drop-in endpoints."""

"""Drop-in endpoints: requests in a provider's own shape become writebacks of ours. Called by the API."""

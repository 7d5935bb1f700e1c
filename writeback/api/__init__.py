"""HTTP API: routes, authentication, problems."""

"""Who may do what, and who did: staff and how they sign in, API keys, the audit log. Called by API and console."""

"""Who may call, and who did what: keys and the audit log."""

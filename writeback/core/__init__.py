"""What every other room may use: clock, ids, errors, settings, secrets, logging."""

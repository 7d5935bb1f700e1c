"""What every call passes, whatever it asks for: limits, keys, bodies, errors, the access log."""

"""Signing in and out, second factors, and one's own account."""

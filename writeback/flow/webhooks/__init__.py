"""Webhooks to apps: their endpoints, what is sent to them, and how often. Called by the API and by the worker."""

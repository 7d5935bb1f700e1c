"""Webhooks to apps."""

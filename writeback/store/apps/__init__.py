"""Queries of apps: keys, webhooks and deliveries, what came through drop-in endpoints."""

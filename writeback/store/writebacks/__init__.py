"""Queries of writebacks on their way: submissions, lanes, requests, claims, holds, events."""

"""Thin arq functions and the worker process."""

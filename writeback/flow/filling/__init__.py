"""Filling: what a school's settings add to records before validation. Called by accept, batches and correct."""

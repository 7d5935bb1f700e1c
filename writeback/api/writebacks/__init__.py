"""Writebacks: submit them, look at them, follow them."""

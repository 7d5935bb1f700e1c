"""Correct: what people do with writebacks, one by one or by filter. Called by the API, the console and bulk jobs."""

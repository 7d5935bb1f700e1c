"""What is too old: which rows, how they are deleted, what each run has deleted. `flow/upkeep/retention.py` calls it."""

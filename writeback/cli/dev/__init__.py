"""`writeback dev`: the whole service in one command, with simulated providers and two schools."""

"""The simulated MIS: a school, who is in it, and what it holds."""

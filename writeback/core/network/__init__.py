"""Where addresses lead and whose they are, whose certificates are believed, how much of an answer is read."""

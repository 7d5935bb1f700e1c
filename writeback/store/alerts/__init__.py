"""What is amiss, who is told, and the messages."""

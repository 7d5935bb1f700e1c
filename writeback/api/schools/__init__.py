"""Schools, what they take, and what their providers call."""

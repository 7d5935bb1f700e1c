"""What an app posts: read once, and all that is wrong with its shape said at once."""

"""One module a command, or a group of commands; each imports what is heavy only when it runs."""

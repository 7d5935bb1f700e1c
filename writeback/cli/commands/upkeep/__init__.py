"""Commands for whoever runs the service: its database, backups, secret keys, and what is kept of whom."""

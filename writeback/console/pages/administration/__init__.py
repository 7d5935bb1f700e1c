"""What administrators look after: staff, apps and their keys, webhooks."""

"""Tables, migrations and every query; SQL is the truth."""

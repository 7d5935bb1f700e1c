"""The way to the database: engines, pools, transactions, migrations, statements that both dialects take."""

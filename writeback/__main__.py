"""`python -m writeback …` is the command line."""

from writeback.cli.main import app

app()

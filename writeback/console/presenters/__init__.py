"""Facts in words, tables and drawings, for the pages. Pure."""

"""Files of many rows on the terminal: uploaded with bars, shown as they were understood, decided about."""

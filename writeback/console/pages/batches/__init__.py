"""Files of many rows: hand one in, look at what was understood of it, mend and send it, see how far it is."""

"""`writeback demo`: a morning of registers at two simulated schools, played by a simulated app."""

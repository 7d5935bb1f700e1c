"""Simulated Wonde, Xporter and MIS; imports nothing from us but core."""

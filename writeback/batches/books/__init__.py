"""Workbooks: XLSX files as people make them, and templates in that format."""

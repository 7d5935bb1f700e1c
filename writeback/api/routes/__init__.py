"""Routes, one module a subject. Each names its paths in full, documents its errors, and calls one service."""

"""Who asks, and what keeps other sites out."""

"""Schools as they are registered: their entries, checked and remembered. The lowest step; everybody may ask."""

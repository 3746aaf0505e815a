"""Buildings: solids that are cast ray by ray, towers and houses made of them, and the streets between."""

"""Every figure, built with matplotlib's `Figure` and returned, never shown."""

"""The things that captions count and colour: where each finds room, and how it looks."""

"""The things that a scene counts and colours, as sprites with normals, and how they are lit."""

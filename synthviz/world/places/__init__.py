"""The ten places: the module of each builds its land, in several compositions."""

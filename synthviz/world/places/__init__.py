"""The ten places: each module builds the land of one, in several compositions."""

from synthviz.world.places.desert import desert
from synthviz.world.places.mountains import mountains

PLACES = {"mountains": mountains, "desert": desert}

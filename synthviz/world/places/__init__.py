"""The ten places: each module builds the land of one, in several compositions."""

from synthviz.world.places.beach import beach
from synthviz.world.places.canyon import canyon
from synthviz.world.places.city import city
from synthviz.world.places.desert import desert
from synthviz.world.places.forest import forest
from synthviz.world.places.mountains import mountains
from synthviz.world.places.ocean import ocean
from synthviz.world.places.snowy_hills import snowy_hills
from synthviz.world.places.volcano import volcano
from synthviz.world.places.village import village

PLACES = {"village": village, "forest": forest, "city": city, "snowy hills": snowy_hills, "beach": beach, "canyon": canyon, "mountains": mountains, "ocean": ocean, "desert": desert, "volcano": volcano}

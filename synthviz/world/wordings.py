"""The words for everything that a caption can name."""

from __future__ import annotations

PLACE_WORDS = {
    "city": (
        "a futuristic city",
        "a city",
        "a city of the future",
        "a futuristic skyline",
        "a city skyline",
        "skyscrapers",
    ),
    "mountains": (
        "mountains",
        "snow-capped mountains",
        "a mountain range",
        "high mountains",
        "rocky peaks",
        "mountain peaks",
    ),
    "ocean": ("the ocean", "the open sea", "an ocean", "the sea", "ocean waves"),
    "desert": ("a desert", "sand dunes", "desert dunes", "the desert", "a sandy desert"),
    "forest": ("a forest", "a pine forest", "the woods", "a forest of pines", "a fir forest"),
    "snowy hills": ("snowy hills", "hills covered in snow", "a snowy landscape", "snow covered hills", "winter hills"),
    "beach": ("a beach", "a tropical beach", "a sandy beach", "a beach with palms", "the seaside"),
    "village": (
        "a village",
        "a small village",
        "a little town",
        "a quiet village",
        "cottages",
        "houses in the country",
    ),
    "canyon": ("a canyon", "a red canyon", "a rocky canyon", "a deep canyon", "canyon walls"),
    "volcano": ("a volcano", "an erupting volcano", "a volcano with lava", "a smoking volcano"),
}
# Times as nouns ("a … over a city") and as adverbials ("a city …").
TIME_WORDS = {
    "sunrise": ("sunrise", "dawn", "morning", "daybreak"),
    "day": ("day", "midday", "noon"),
    "golden hour": ("golden hour", "golden light"),
    "sunset": ("sunset", "sundown", "evening"),
    "dusk": ("dusk", "twilight"),
    "night": ("night", "midnight"),
}
AT_TIME_WORDS = {
    "sunrise": ("at sunrise", "at dawn", "in the morning", "at daybreak"),
    "day": ("by day", "at noon", "at midday", "in daylight"),
    "golden hour": ("at golden hour", "in golden light", "in the golden hour"),
    "sunset": ("at sunset", "at sundown", "in the evening"),
    "dusk": ("at dusk", "at twilight", "at nightfall"),
    "night": ("at night", "at midnight", "by night"),
}
WEATHER_WORDS = {
    "clear": ("a clear sky", "clear weather"),
    "clouds": ("clouds", "drifting clouds", "a cloudy sky", "some clouds"),
    "fog": ("fog", "mist", "drifting mist", "low fog"),
    "rain": ("rain", "falling rain", "rainy weather"),
    "snowfall": ("falling snow", "snowfall", "snowflakes"),
    "thunderstorm": ("a thunderstorm", "lightning", "a storm with lightning", "a stormy sky"),
}
BODY_WORDS = {
    "sun": ("the sun", "a bright sun", "the shining sun"),
    "moon": ("the moon", "a full moon", "the full moon", "a bright moon"),
    "crescent moon": ("a crescent moon", "the crescent moon", "a sickle moon"),
}
SIDE_WORDS = {
    "left": ("on the left", "on the left side", "at the left"),
    "center": ("in the middle", "in the center", "in the centre"),
    "right": ("on the right", "on the right side", "at the right"),
}
STAR_WORDS = ("stars", "many stars", "bright stars", "a starry sky")
LAKE_WORDS = ("a calm lake", "reflections in the water", "still water", "a lake", "water reflections")
KIND_WORDS = {
    "bird": (("bird", "birds"), ("gull", "gulls")),
    "lantern": (("lantern", "lanterns"), ("paper lantern", "paper lanterns")),
    "balloon": (("balloon", "balloons"), ("hot air balloon", "hot air balloons")),
    "boat": (("boat", "boats"), ("sailing boat", "sailing boats"), ("ship", "ships")),
    "tree": (("tree", "trees"),),
    "tower": (("tower", "towers"), ("castle tower", "castle towers")),
}
COLOR_WORDS = {
    "red": ("red", "scarlet"),
    "yellow": ("yellow",),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "white": ("white",),
}
COUNT_WORDS = {1: ("a", "a", "one"), 2: ("two", "two", "a pair of"), 3: ("three",), 4: ("four",)}
STYLE_WORDS = {
    "flat": ("a flat illustration of", "a poster of", "flat art of"),
    "watercolor": ("a watercolor of", "a watercolour of", "a watercolor painting of"),
    "neon": ("a neon picture of", "neon art of", "a glowing neon view of"),
    "ink": ("an ink drawing of", "a pen and ink drawing of", "ink art of"),
}
IN_STYLE_WORDS = {
    "flat": ("in flat colors", "as a poster"),
    "watercolor": ("in watercolor", "in watercolour"),
    "neon": ("in neon", "in neon light"),
    "ink": ("in ink", "drawn in ink"),
}
MOODS = (
    "serene", "calm", "peaceful", "beautiful", "quiet", "dramatic", "colorful", "vivid", "dreamy", "majestic",
    "lovely", "stunning", "wonderful",
)  # fmt: skip
MEDIA = ("a painting of", "an illustration of", "a picture of", "a view of", "a scene of", "an image of", "art of")
# What a composition shows besides what was asked for; the painter tells which of these are true of a painting.
SIGHT_WORDS = {
    "from above": ("seen from above", "from above", "from high above", "a view from above"),
    "from a hill": ("seen from a hill", "a wide view", "a panorama"),
    "from below": ("seen from below", "looking up", "a low view"),
    "across the water": ("across the water", "seen across the water", "on the far shore"),
    "distant": ("in the distance", "far away", "on the horizon"),
    "close": ("up close", "a close view"),
    "inside": ("among the trees", "inside the forest", "tall trunks"),
    "rocks": ("rocks in the foreground", "rocks in front", "boulders"),
    "grass": ("grass in the foreground", "tall grass", "reeds"),
    "railing": ("a railing in the foreground", "seen from a terrace"),
    "branch": ("a branch in the foreground", "leaves in the foreground"),
    "trees": ("trees in the foreground", "firs in the foreground"),
    "palms": ("palms", "palm trees", "some palms"),
    "fence": ("a wooden fence", "a fence in the foreground"),
    "flowers": ("flowers", "flowers in the foreground", "a meadow with flowers"),
    "meadow": ("a meadow", "green meadows", "a grassy meadow"),
    "street": ("a street", "a long road", "an avenue"),
    "path": ("a path", "a winding path", "a road"),
    "river": ("a river", "a wide river"),
    "island": ("an island", "a small island", "a rocky island"),
    "cliffs": ("cliffs", "steep cliffs", "a rocky coast"),
    "bay": ("a bay", "a quiet bay"),
    "waves": ("waves", "rolling waves", "big waves"),
    "sea of clouds": ("above the clouds", "a sea of clouds"),
    "mist": ("mist in the valleys", "morning mist"),
    "autumn": ("autumn", "in autumn", "autumn colors"),
    "spring": ("spring", "in spring", "blossoms"),
    "snow": ("snow on the ground", "fresh snow"),
    "smoke": ("smoke", "a plume of smoke"),
    "bridge": ("bridges", "a bridge"),
}

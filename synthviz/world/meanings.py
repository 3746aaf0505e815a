"""Words by meaning: known words that can replace one another, and known words near to unknown ones."""

from __future__ import annotations

from functools import cache

from synthviz.world.wordings import COLOR_WORDS, KIND_WORDS, MOODS

# Known words of one kind; in a prompt each can stand in the place of another.
EXCHANGEABLE = (
    ("city", "mountains", "ocean", "desert", "forest", "beach", "village", "canyon", "volcano", "lake"),
    ("sunrise", "dawn", "morning", "noon", "sunset", "dusk", "evening", "night", "midnight"),
    ("clouds", "fog", "mist", "rain", "snowfall", "thunderstorm", "lightning"),
    ("sun", "moon", "stars"),
    tuple(words[0] for words in COLOR_WORDS.values()),
    ("one", "two", "three", "four"),
    ("left", "middle", "right"),
    tuple(forms[0][0] for forms in KIND_WORDS.values()),
    tuple(forms[0][1] for forms in KIND_WORDS.values()),
    ("watercolor", "ink", "neon", "poster"),
    ("autumn", "spring", "winter"),
    ("rocks", "grass", "flowers", "palms", "trees", "boulders"),
    MOODS,
)
# Known words, and words that people try and that mean something near.
NEAR = {
    ("birds", "bird"): "bat bats butterfly butterflies crow crows dove doves dragon dragons duck ducks eagle eagles flamingo "
    "goose geese hawk hawks owl owls parrot parrots pelican penguin penguins seagull seagulls swan swans fly flying",
    ("balloon", "balloons"): "airplane airplanes airship airships aircraft blimp drone drones helicopter plane planes ufo "
    "zeppelin rocket rockets spaceship spaceships kite kites",
    ("boat", "ship"): "canoe ferry galleon pirate raft sail sails sailboat sailboats submarine vessel yacht yachts",
    ("lanterns", "lantern"): "candle candles fire fires firefly fireflies fireworks lamp lamps lights torch torches",
    ("trees", "forest"): "birch bush bushes leaf oak oaks pinetree plant plants willow wood wooded",
    ("tower", "castle"): "cathedral chapel church churches fortress lighthouse lighthouses minaret palace pagoda ruin ruins "
    "statue temple temples windmill windmills pyramid pyramids",
    ("city", "skyscrapers"): "building buildings cyberpunk downtown lights metropolis station streets traffic urban car cars train",
    ("village", "houses"): "barn cabin cabins cottage farm farmhouse hamlet home homes house hut huts suburb inn",
    ("canyon",): "cave caves cliff gorge ravine valley",
    ("mountains", "peaks"): "alpine alps himalaya everest mount peak ridge ridges summit",
    ("volcano", "lava"): "crater erupt eruption explosion inferno magma geyser",
    ("ocean", "sea"): "atlantic pacific fish dolphin dolphins shark whale whales mermaid surf underwater iceberg",
    ("beach", "tropical"): "coral lagoon seashore hawaii caribbean paradise",
    ("lake", "river"): "brook creek pond pool stream swamp waterfall waterfalls fjord",
    ("desert", "dunes"): "cactus camel camels dune mars oasis sahara savanna savannah",
    ("forest", "woods"): "bear deer elf fairy fox grove jungle rainforest wolf wolves unicorn",
    ("meadow", "flowers"): "cow cows field fields garden gardens horse horses lawn lavender prairie rose roses sheep sunflower "
    "sunflowers tulip tulips wheat",
    ("snowy", "winter"): "arctic antarctica blizzard cold frost frozen glacier ice icy polar ski skiing snowman sleigh",
    ("stars", "moon"): "alien aliens aurora comet cosmos eclipse galaxy jupiter meteor milky planet planets saturn space universe",
    ("sun", "day"): "daytime solar summer sunlight sunny sunshine warm",
    ("night", "midnight"): "dark darkness eerie gloomy halloween spooky",
    ("sunset", "dusk"): "afterglow romantic",
    ("thunderstorm", "lightning"): "hurricane storms tempest thunder tornado typhoon",
    ("rain",): "drizzle rainbow shower umbrella wet",
    ("fog", "mist"): "haze hazy foggy mysterious smog",
    ("red", "scarlet"): "crimson orange ruby maroon",
    ("yellow",): "gold amber lemon",
    ("blue",): "azure cyan indigo navy teal turquoise",
    ("purple", "violet"): "lavender lilac magenta pink",
    ("green",): "emerald lime olive",
    ("white",): "grey gray ivory silver",
    ("flat", "poster"): "anime cartoon comic pixel vector",
    ("ink", "drawing"): "pencil sketch charcoal manga",
    ("watercolor",): "gouache impressionist monet oil pastel",
    ("dramatic",): "epic fantasy gothic horror scary",
    ("beautiful",): "amazing cute gorgeous magical pretty",
}  # fmt: skip


def exchangeable_words(word: str) -> list[str]:
    """Return the known words of the same kind as a known word, without itself; empty if it has no such words."""
    word = word.lower()
    return [other for words in EXCHANGEABLE if word in words for other in words if other != word]


@cache
def _near() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for known, others in NEAR.items():
        for other in others.split():
            found.setdefault(other, []).extend(known)
    return found


def words_of_near_meaning(word: str) -> list[str]:
    """Return known words whose meaning is near to that of an unknown word; empty if nobody wrote any down."""
    return _near().get(word.lower(), [])

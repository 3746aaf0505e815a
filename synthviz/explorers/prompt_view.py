"""A prompt beside its picture, whose words can be touched: what the browser shows, as traits."""

from __future__ import annotations

import anywidget
import traitlets

from synthviz.explorers.browser_modules import STYLE, bundled


class PromptView(anywidget.AnyWidget):
    """A view that holds no logic: Python sets its traits, and the browser sets some of them back or sends a message.

    A message is a dictionary such as {"do": "draw"}. Instead of "draw" it can say "stop"; "compare", which draws and
    keeps the last picture beside the new one; and "close", which takes that picture away.

    Attributes:
        prompt: the text in the field.
        follow: whether to draw while the user types.
        words: of the prompt, each as a `PromptWord` in the form of a dictionary.
        picture: the large picture as a file, PNG or WebP; empty for none.
        caption: below it.
        before: a picture to compare it with, as a file; empty for none.
        before_caption: below that.
        map_words: the words, in lower case, that have maps in `maps`.
        maps: (words, h, w) uint8, 255 where a word was read most.
        map_size: (h, w).
        thumbnails: of all pictures, each with "label" and "image", a file.
        chosen: index of the large picture; -1 if that is an unfinished one.
        steps: how many steps the large picture took; 0 as long as there is none.
        step: which step is shown, from 1.
        kinds, kind: what can be shown of a step, and what is shown.
        notes: sentences about the large picture.
        running: whether a picture is being drawn.
        progress: from 0 to 1.
    """

    _esm = bundled("prompt.js")
    _css = STYLE

    prompt = traitlets.Unicode().tag(sync=True)
    follow = traitlets.Bool(False).tag(sync=True)
    words = traitlets.List(traitlets.Dict()).tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    before = traitlets.Bytes().tag(sync=True)
    before_caption = traitlets.Unicode().tag(sync=True)
    map_words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    maps = traitlets.Bytes().tag(sync=True)
    map_size = traitlets.Tuple((1, 1)).tag(sync=True)
    thumbnails = traitlets.List(traitlets.Dict()).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    steps = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)

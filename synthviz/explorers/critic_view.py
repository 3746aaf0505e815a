"""A picture, what the network says about it, and a square that covers a part: what the browser shows, as traits."""

from __future__ import annotations

import anywidget
import traitlets

from synthviz.explorers.browser_modules import STYLE, bundled


class CriticView(anywidget.AnyWidget):
    """A view that holds no logic: Python sets its traits, and the browser sets `square`, `target` and `lit`.

    Attributes:
        picture: as the network gets it, as a PNG file; empty for none.
        caption: below it.
        classes: the names of the classes.
        shares: the network's share for each class, with the square over the picture if there is one.
        shares_before: the shares without the square.
        verdict: a sentence on what the network says.
        square: left, top and side of the square in pixels of the picture; side 0 for none.
        fill: the colour of the square, in CSS.
        answers: how many squares Python has computed; the browser sends the next one when it changes.
        target: index of the class whose reasons glow.
        lit: whether they glow.
        glow: (h, w) uint8, 255 where the picture spoke most for the class; roots, so that less can be seen too.
        glow_size: (h, w).
    """

    _esm = bundled("critic.js")
    _css = STYLE

    picture = traitlets.Bytes().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shares = traitlets.List(traitlets.Float()).tag(sync=True)
    shares_before = traitlets.List(traitlets.Float()).tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)
    square = traitlets.List(traitlets.Int(), default_value=[0, 0, 0]).tag(sync=True)
    fill = traitlets.Unicode("#808080").tag(sync=True)
    answers = traitlets.Int(0).tag(sync=True)
    target = traitlets.Int(0).tag(sync=True)
    lit = traitlets.Bool(False).tag(sync=True)
    glow = traitlets.Bytes().tag(sync=True)
    glow_size = traitlets.Tuple((1, 1)).tag(sync=True)

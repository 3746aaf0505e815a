"""The modules for the browser: one text without imports, with everything that the file imported."""

from __future__ import annotations

import re

import pytest

from synthviz.explorers.browser_modules import FOLDER, STYLE, bundled


@pytest.mark.parametrize("name", ["prompt.js", "critic.js", "maps.js"])
def test_a_bundle_has_no_import_and_defines_what_it_imported(name):
    source, text = (FOLDER / name).read_text(encoding="utf-8"), bundled(name)
    assert "import " in source
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert text.count("export ") == 1  # its own
    for imported in ",".join(re.findall(r"import \{([^}]*)\}", source)).split(","):
        assert len(re.findall(rf"^(?:async )?(?:function|class) {imported.strip()}\b", text, re.MULTILINE)) == 1


def test_every_rule_of_the_style_sheet_stays_inside_the_views():
    rules = re.findall(r"^([^{}/\n][^{}]*)\{", STYLE.read_text(encoding="utf-8"), re.MULTILINE)
    selectors = [selector.strip() for rule in rules for selector in rule.split(",\n")]
    assert len(selectors) > 20
    assert all(selector.startswith((".sv-view", ".sv-running")) for selector in selectors)


def test_every_class_in_the_modules_has_a_rule_or_is_a_root():
    styled = set(re.findall(r"\.(sv-[a-z-]+)", STYLE.read_text(encoding="utf-8")))
    used = {
        name for path in FOLDER.glob("*.js") for name in re.findall(r"\bsv-[a-z-]+", path.read_text(encoding="utf-8"))
    }
    assert used - styled <= {"sv-prompt", "sv-critic", "sv-mapgrid", "sv-stage"}

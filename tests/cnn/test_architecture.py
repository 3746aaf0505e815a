"""cnn/architecture.py."""

from __future__ import annotations

from synthviz.cnn.architecture import describe_architecture
from synthviz.cnn.network import SceneCNN


def test_the_table_has_all_layers_with_shapes_and_parameters():
    model = SceneCNN(seed=3)
    text = describe_architecture(model)
    for fact in ("5,562,506", "(1, 16, 222, 222)", "(1, 43264)", "3×3, 32 → 64", "5,537,920", "Flux.jl", "snowy hills"):
        assert fact in text
    assert [line.split()[0] for line in text.splitlines() if "(1, " in line and not line.startswith("Input")] == [
        name for name, _ in model.named_children()
    ]
    assert text.endswith(".\n")
    assert max(map(len, text.splitlines())) <= 120

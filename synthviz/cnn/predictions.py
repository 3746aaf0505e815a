"""The network's prediction for a picture, and whether it is valid."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from synthviz.cnn.network import SceneCNN
    from synthviz.preprocessing.loaded_image import LoadedImage


@dataclass(frozen=True)
class Prediction:
    """The network's prediction for one picture.

    Attributes:
        class_name: the most probable class.
        probability: its probability, in [0, 1].
        probabilities: every class and its probability, in the order of the outputs.
        valid: False if the network received the test pattern instead of the picture.
        reason: why the prediction is not valid; None if it is.
    """

    class_name: str
    probability: float
    probabilities: dict[str, float]
    valid: bool
    reason: str | None

    @property
    def record(self) -> dict[str, Any]:
        """The prediction as a dictionary that JSON can store."""
        return asdict(self)


@torch.no_grad()
def predict(model: SceneCNN, loaded: LoadedImage) -> Prediction:
    """Predict the place that a picture shows.

    Args:
        model: a trained or untrained network; the picture is moved to its device.
        loaded: the result of `synthviz.preprocess_image`; its `tensor` is (1, 1, 224, 224) float32 in [0, 1].

    Raises:
        TypeError: if the tensor is not float32.
        ValueError: if the tensor has another shape or range, or holds more than one picture.
    """
    if len(loaded.tensor) != 1:
        raise ValueError(f"the tensor holds {len(loaded.tensor)} pictures; predict takes one")
    row = model(loaded.tensor.to(next(model.parameters()).device))[0].tolist()
    probabilities = dict(zip(model.class_names, row, strict=True))
    class_name = max(probabilities, key=probabilities.__getitem__)
    return Prediction(
        class_name=class_name,
        probability=probabilities[class_name],
        probabilities=probabilities,
        valid=loaded.fallback_reason is None,
        reason=loaded.fallback_reason,
    )

"""What the network says about a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from synthviz.cnn.network import SceneCNN

if TYPE_CHECKING:
    from synthviz.preprocessing.loaded_image import LoadedImage


@dataclass(frozen=True)
class Prediction:
    """What the network says about one picture.

    Attributes:
        class_name: the most probable place.
        probability: its probability, in [0, 1].
        probabilities: every class and its probability, in the order of the outputs.
        valid: False if the network did not see the picture but a test pattern in its stead.
        reason: why the prediction is not valid; None if it is.
    """

    class_name: str
    probability: float
    probabilities: dict[str, float]
    valid: bool
    reason: str | None

    @property
    def record(self) -> dict[str, Any]:
        """The prediction as a dictionary that JSON can hold."""
        return asdict(self)


@torch.no_grad()
def predict(model: SceneCNN, loaded: LoadedImage) -> Prediction:
    """Name the place in a picture.

    Args:
        model: trained or not; the picture is moved to its device.
        loaded: what `synthviz.preprocess_image` returned; its `tensor` is (1, 1, 224, 224) float32 in [0, 1].

    Raises:
        TypeError, ValueError: if the tensor is not what `SceneCNN` takes, or holds more than one picture.
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

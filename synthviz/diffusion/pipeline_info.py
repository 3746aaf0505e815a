"""What synthviz knows of a pipeline beyond what diffusers knows: name for records, engine, device, notes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


@dataclass(frozen=True)
class PipelineInfo:
    """Facts about one loaded pipeline.

    Attributes:
        name: of the model, for records: a shipped name, a hub id or the name of a folder, never a path.
        engine: what computes the networks: "torch", or "openvino" with its version and precision.
        device: where the networks compute, such as "cpu" or "cuda"; None if synthviz did not place the pipeline.
        notes: what happened at loading and concerns every picture.
    """

    name: str
    engine: str = "torch"
    device: str | None = None
    notes: tuple[str, ...] = ()


_infos: WeakKeyDictionary[DiffusionPipeline, PipelineInfo] = WeakKeyDictionary()


def set_info(pipeline: DiffusionPipeline, info: PipelineInfo) -> None:
    """Store what is known of a pipeline, for as long as the pipeline lives."""
    _infos[pipeline] = info


def info_of(pipeline: DiffusionPipeline) -> PipelineInfo:
    """Return what is known of a pipeline; for one that synthviz did not load, its origin gives the name."""
    return _infos.get(pipeline) or PipelineInfo(name_of(pipeline.name_or_path or type(pipeline).__name__))


def name_of(origin: str) -> str:
    """Return the name of a model for records, from a hub id, a shipped name, or the path of a folder.

    A foreign folder with the name of a shipped model is marked as a folder, so that nobody takes it for that model.
    """
    folder = Path(origin)
    if not folder.is_dir():
        return origin
    shipped = folder.resolve().parent == MODELS.resolve()
    return f"{folder.name} (a folder)" if folder.name in SHIPPED_DEFAULTS and not shipped else folder.name

"""Record the cross-attention of a pipeline's UNet while it denoises."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from synthviz.diffusion.capabilities import encoded_prompt
from synthviz.diffusion.pipeline_info import info_of
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

# The layers of the shipped models at half of the latents' resolution. Training taught these layers to read a noun at
# the place of its thing; in the other layers attention is spread.
TAUGHT_LAYERS = tuple(
    f"{block}.transformer_blocks.0.attn2"
    for block in ("down_blocks.1.attentions.0", "up_blocks.1.attentions.0", "up_blocks.1.attentions.1")
)
WORD = re.compile(r"\w+(?:['’-]\w+)*")


def cross_attention_layers(pipeline: DiffusionPipeline) -> list[str]:
    """Return the names of the layers in which a pipeline's UNet attends to words, in the order of its modules."""
    from diffusers.models.attention_processor import Attention

    unet = getattr(pipeline, "unet", None)
    modules = unet.named_modules() if unet is not None else []
    return [name for name, module in modules if isinstance(module, Attention) and module.is_cross_attention]


def words_and_tokens(pipeline: DiffusionPipeline, prompt: str) -> list[tuple[str, list[int]]]:
    """Return the words of a prompt that the text encoder reads, each with the positions of its tokens.

    A word learnt by textual inversion may have several tokens, one for each of its vectors.
    """
    tokenizer = pipeline.tokenizer
    text, spans = _encoded(pipeline, prompt)
    offsets = tokenizer(
        text, truncation=True, max_length=tokenizer.model_max_length, return_offsets_mapping=True
    ).offset_mapping
    found = []
    for match in WORD.finditer(prompt):
        first, last = spans[match.start()][0], spans[match.end() - 1][1]
        positions = [position for position, (start, end) in enumerate(offsets) if start < last and end > first]
        if positions:
            found.append((match[0], positions))
    return found


def _encoded(pipeline: DiffusionPipeline, prompt: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text that the pipeline encodes, and where in it each character of the prompt begins and ends.

    diffusers writes a name of textual inversion once for each of its vectors: "<cat>" becomes "<cat> <cat>_1 <cat>_2".
    """
    names = [name for name in pipeline.tokenizer.get_added_vocab() if encoded_prompt(pipeline, name) != name]
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    text, spans = "", []
    for piece in re.split(f"({pattern})", prompt) if names else [prompt]:
        begin = len(text)
        if piece in names:
            text += encoded_prompt(pipeline, piece)
            spans += [(begin, len(text))] * len(piece)
        else:
            text += piece
            spans += [(begin + index, begin + index + 1) for index in range(len(piece))]
    return text, spans


@dataclass
class RecordedBatch:
    """The attention in one call of the pipeline.

    Attributes:
        seeds: of the pictures in the batch.
        timesteps: one for each pass through the UNet.
        size: (h, w) of the latents.
        maps: name of a layer to its maps, (pictures, words, h, w) for each step.
    """

    seeds: list[int]
    timesteps: list[float] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    maps: dict[str, list[Tensor]] = field(default_factory=dict)


class AttentionRecorder:
    """Records attention while a pipeline runs, through attention processors that leave the result unchanged.

    Args:
        pipeline: with a UNet that attends to words.
        prompt: with which the pipeline will be called.
        layers: names of cross-attention layers; None for all, or for the `TAUGHT_LAYERS` of a shipped model.

    Attributes:
        words: the words that the text encoder reads, each with the positions of its tokens.
        layers: the names of the recorded layers.
        batches: one for each call of the pipeline, by the seed of its first picture.

    Raises:
        ValueError: if the pipeline has no cross-attention, no such layer, or the prompt has no words.
    """

    def __init__(self, pipeline: DiffusionPipeline, prompt: str, layers: Sequence[str] | None) -> None:
        self.layers = _choose_layers(pipeline, layers)
        self.words = words_and_tokens(pipeline, prompt)
        if not self.words:
            raise ValueError(f"the prompt {prompt!r} has no words to look for")
        self.batches: dict[int, RecordedBatch] = {}
        self._unet = pipeline.unet

    def start_batch(self, seeds: list[int]) -> None:
        """Begin a batch; one that starts again replaces its first attempt."""
        self.batches[seeds[0]] = RecordedBatch(seeds)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Record in the block; afterwards the UNet has its own processors again."""
        processors = dict(self._unet.attn_processors)
        recording = {
            f"{name}.processor": RecordingProcessor(self, name, processors[f"{name}.processor"]) for name in self.layers
        }
        hook = self._unet.register_forward_pre_hook(self._start_step, with_kwargs=True)
        try:
            self._unet.set_attn_processor({**processors, **recording})
            yield
        finally:
            hook.remove()
            self._unet.set_attn_processor(processors)

    def record(self, layer: str, attention: Any, hidden_states: Tensor, text: Tensor, mask: Tensor | None) -> None:
        """Store one layer's attention.

        Args:
            layer: its name.
            attention: diffusers' `Attention` module.
            hidden_states: (B, h * w, C); with guidance the prompt's rows are the last ones.
            text: (B, tokens, C), the text embeddings.
            mask: as the module gets it.
        """
        batch = self._current_batch()
        count = len(batch.seeds)
        query = attention.head_to_batch_dim(attention.to_q(hidden_states[-count:]))
        text = attention.norm_encoder_hidden_states(text[-count:]) if attention.norm_cross else text[-count:]
        key = attention.head_to_batch_dim(attention.to_k(text))
        scores: Tensor = attention.get_attention_scores(query, key, mask)  # (count * heads, h * w, tokens)
        scores = scores.reshape(count, attention.heads, *scores.shape[1:]).float().mean(dim=1)
        maps = torch.stack([scores[:, :, positions].sum(dim=2) for _, positions in self.words], dim=1)
        height, width = _grid(batch.size, maps.shape[2])
        batch.maps.setdefault(layer, []).append(maps.reshape(*maps.shape[:2], height, width).cpu())

    def _current_batch(self) -> RecordedBatch:
        if not self.batches:
            raise RuntimeError("the recorder has no batch: call start_batch(seeds) before the pipeline")
        return self.batches[next(reversed(self.batches))]

    def _start_step(self, unet: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        batch = self._current_batch()
        sample: Tensor = named["sample"] if "sample" in named else inputs[0]
        timestep = named["timestep"] if "timestep" in named else inputs[1]
        batch.size = (sample.shape[-2], sample.shape[-1])
        batch.timesteps.append(float(torch.as_tensor(timestep).flatten()[0]))


def _choose_layers(pipeline: DiffusionPipeline, layers: Sequence[str] | None) -> list[str]:
    info = info_of(pipeline)
    if info.engine.startswith("openvino"):
        raise ValueError(f"word maps cannot look into {info.engine}; load the pipeline with engine='torch'")
    names = cross_attention_layers(pipeline)
    if not names:
        raise ValueError(
            f"a {type(pipeline).__name__} has no cross-attention to record; word maps need a UNet that attends to "
            "words, as in Stable Diffusion 1 and 2, SDXL and the embedded models"
        )
    if layers is None:
        return list(TAUGHT_LAYERS) if info.name in SHIPPED_DEFAULTS else names
    unknown = [name for name in layers if name not in names]
    if unknown:
        close = difflib.get_close_matches(unknown[0], names, n=3) or names
        raise ValueError(f"there is no cross-attention layer {unknown[0]!r}; try {', '.join(close)}")
    return list(layers)


class RecordingProcessor:
    """Passes a layer's inputs to the recorder, then lets the layer's own processor compute the result."""

    def __init__(self, recorder: AttentionRecorder, layer: str, processor: Any) -> None:
        self.recorder, self.layer, self.processor = recorder, layer, processor
        # Diffusers reads from this signature which arguments it may pass on.
        self.__call__ = wraps(processor.__call__)(partial(RecordingProcessor.__call__, self))  # type: ignore[method-assign]

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Record, then compute (B, h * w, C)."""
        with torch.no_grad():
            self.recorder.record(self.layer, attn, hidden_states, encoder_hidden_states, attention_mask)
        return self.processor(attn, hidden_states, encoder_hidden_states, attention_mask, *args, **kwargs)


def _grid(size: tuple[int, int], count: int) -> tuple[int, int]:
    """Return the height and width of a layer with `count` latent pixels; every level halves, rounding up."""
    height, width = size
    while height * width > count:
        height, width = -(-height // 2), -(-width // 2)
    if height * width != count:
        raise ValueError(f"{count} positions do not come from latents of {size[0]}×{size[1]} by halving")
    return height, width

"""Which word of the prompt looked where: the cross-attention of the UNet, as in DAAM (Tang et al. 2022)."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.diffusion.capabilities import call_parameters, engine_of, model_name
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import GeneratedPicture, generate
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

# Where the shipped models attend at half of the latents' resolution. In training a noun had to be read there where its
# thing stands; in their other layers attention roams.
TAUGHT_LAYERS = tuple(
    f"{block}.transformer_blocks.0.attn2"
    for block in ("down_blocks.1.attentions.0", "up_blocks.1.attentions.0", "up_blocks.1.attentions.1")
)
WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class WordMaps:
    """Where each word of a prompt drew the attention of one picture's pixels.

    Attributes:
        words: the words of the prompt that the text encoder read, in order; a word that occurs twice stands twice.
        timesteps: (steps,) of the noise schedule, one for each pass through the UNet.
        layers: name of a cross-attention layer to its maps, (steps, words, h, w) float32 in [0, 1]: for each latent
            pixel the attention on the word, averaged over heads and summed over the word's tokens. What is missing to
            1 fell on the start and end marks, punctuation and padding.
        size: (H, W) of the latents, to which layers of different resolution are enlarged.
    """

    words: tuple[str, ...]
    timesteps: tuple[float, ...]
    layers: dict[str, Tensor]
    size: tuple[int, int]

    def over_time(self, word: str) -> Tensor:
        """A word's map at every step, averaged over the layers: (steps, H, W) float32 in [0, 1]."""
        return torch.stack([self._enlarged(maps, word) for maps in self.layers.values()]).mean(dim=0)

    def heatmap(self, word: str) -> Tensor:
        """A word's map, averaged over layers and steps: (H, W) float32 in [0, 1].

        A word that occurs several times has the mean of its occurrences.

        Raises:
            ValueError: if the prompt has no such word; the message offers the closest.
        """
        return self.over_time(word).mean(dim=0)

    def by_layer(self, word: str) -> dict[str, Tensor]:
        """A word's map in every layer at that layer's own resolution, averaged over the steps: (h, w) each."""
        rows = self._rows(word)
        return {name: maps[:, rows].mean(dim=(0, 1)) for name, maps in self.layers.items()}

    def _enlarged(self, maps: Tensor, word: str) -> Tensor:
        chosen = maps[:, self._rows(word)].mean(dim=1, keepdim=True)
        return F.interpolate(chosen, self.size, mode="bilinear", align_corners=False)[:, 0]

    def _rows(self, word: str) -> list[int]:
        lowered = [each.lower() for each in self.words]
        rows = [row for row, each in enumerate(lowered) if each == word.lower()]
        if not rows:
            close = difflib.get_close_matches(word.lower(), lowered, n=3) or list(dict.fromkeys(lowered))
            raise ValueError(f"the prompt has no word {word!r} that the model read; its words are {', '.join(close)}")
        return rows


def generate_with_word_maps(
    pipeline: DiffusionPipeline, config: GenerationConfig, layers: Sequence[str] | None = None
) -> list[tuple[GeneratedPicture, WordMaps]]:
    """Make pictures exactly as `synthviz.generate` does, and keep which word looked where.

    Args:
        pipeline: with a UNet that attends to words, such as Stable Diffusion 1 and 2, SDXL and the embedded models.
        config: what to make.
        layers: which cross-attention layers to record, from `cross_attention_layers`; None for all, but of a shipped
            model for `TAUGHT_LAYERS`.

    Raises:
        ValueError: if the pipeline has no cross-attention, or no such layer; else as `generate`.
    """
    with recording(pipeline, config.prompt, layers) as recorder:
        pictures = generate(pipeline, config, on_batch=recorder.start_batch)
    return list(zip(pictures, recorder.finish(), strict=True))


@contextmanager
def recording(
    pipeline: DiffusionPipeline, prompt: str, layers: Sequence[str] | None = None
) -> Iterator[WordMapRecorder]:
    """Record while the block runs the pipeline on a prompt, for those who call it in their own way.

        with recording(pipeline, config.prompt) as recorder:
            pictures = generate(pipeline, config, on_batch=recorder.start_batch)
        maps = recorder.finish()  # a WordMaps for each picture

    Args:
        pipeline, layers: as for `generate_with_word_maps`.
        prompt: the one that the pipeline is called with.

    Raises:
        ValueError: if the pipeline has no cross-attention, no such layer, or the prompt has no words.
    """
    recorder = WordMapRecorder(pipeline, prompt, layers)
    with recorder.attached():
        yield recorder


def word_maps_of_picture(
    pipeline: DiffusionPipeline,
    picture: Image,
    prompt: str,
    noise: float = 0.5,
    seed: int = 0,
    layers: Sequence[str] | None = None,
) -> WordMaps:
    """Where the words of a prompt look in a picture that exists already.

    The picture is encoded, noised and denoised by one step through diffusers' image-to-image pipeline, which shares
    all networks with the given one and is ended then; what comes out is thrown away.

    Args:
        pipeline: as for `generate_with_word_maps`.
        picture: any PIL picture; it is resized to what the pipeline was trained at.
        prompt: the words to look for.
        noise: how far up the noise schedule to go, 0.05 to 1.
        seed: of the noise.
        layers: as for `generate_with_word_maps`.

    Raises:
        ValueError: if the prompt is empty, `noise` is outside its range, or the pipeline has no cross-attention.
    """
    from diffusers import AutoPipelineForImage2Image

    from synthviz.diffusion.capabilities import default_size
    from synthviz.diffusion.library_logging import quiet_libraries

    if not 0.05 <= noise <= 1:
        raise ValueError(f"noise is {noise!r}; it must be from 0.05 to 1")
    with quiet_libraries(), recording(pipeline, prompt, layers) as recorder:
        height, width = default_size(pipeline)
        # With a scheduler of its own, whose timesteps are its own too.
        painter = AutoPipelineForImage2Image.from_pipe(pipeline, scheduler=copy.deepcopy(pipeline.scheduler))
        painter.set_progress_bar_config(disable=True)
        steps = min(50, painter.scheduler.config.get("original_inference_steps", 50))
        if "original_inference_steps" in call_parameters(painter):
            steps = max(1, int(noise * steps))  # a latent consistency model counts the steps that are left
        recorder.start_batch([seed])

        def stop(painter: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            raise _Seen  # not every pipeline can be interrupted

        with suppress(_Seen):
            painter(
                prompt,
                image=picture.convert("RGB").resize((width, height)),
                strength=noise,
                num_inference_steps=steps,
                guidance_scale=1.0,
                callback_on_step_end=stop,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="latent",
            )
        pipeline.maybe_free_model_hooks()  # parts that take turns on the GPU go back to the CPU
    return recorder.finish()[0]


class _Seen(Exception):
    """One step was taken, which is enough."""


def cross_attention_layers(pipeline: DiffusionPipeline) -> list[str]:
    """The names of the layers in which a pipeline's UNet attends to words, in the order of its modules."""
    from diffusers.models.attention_processor import Attention

    unet = getattr(pipeline, "unet", None)
    modules = unet.named_modules() if unet is not None else []
    return [name for name, module in modules if isinstance(module, Attention) and module.is_cross_attention]


def words_and_tokens(pipeline: DiffusionPipeline, prompt: str) -> list[tuple[str, list[int]]]:
    """The words of a prompt that the text encoder reads, each with the positions of its tokens."""
    tokenizer = pipeline.tokenizer
    offsets = tokenizer(
        prompt, truncation=True, max_length=tokenizer.model_max_length, return_offsets_mapping=True
    ).offset_mapping
    found = []
    for match in WORD.finditer(prompt):
        positions = [
            position for position, (start, end) in enumerate(offsets) if start < match.end() and end > match.start()
        ]
        if positions:
            found.append((match[0], positions))
    return found


class _Run:
    """One call of the pipeline: a batch of pictures."""

    def __init__(self, seeds: list[int]) -> None:
        self.seeds = seeds
        self.timesteps: list[float] = []
        self.size = (0, 0)
        self.maps: dict[str, list[Tensor]] = {}  # layer to (pictures, words, h, w) for each step


class WordMapRecorder:
    """Keeps attention while a pipeline runs. Its processors do what they replace, and look on."""

    def __init__(self, pipeline: DiffusionPipeline, prompt: str, layers: Sequence[str] | None) -> None:
        names = cross_attention_layers(pipeline)
        if not names:
            raise ValueError(
                f"a {type(pipeline).__name__} has no cross-attention to record; word maps need a UNet that attends to "
                "words, as in Stable Diffusion 1 and 2, SDXL and the embedded models"
            )
        if engine_of(pipeline).startswith("openvino"):
            raise ValueError(f"word maps cannot look into {engine_of(pipeline)}; load the pipeline with engine='torch'")
        unknown = [name for name in layers or () if name not in names]
        if unknown:
            close = difflib.get_close_matches(unknown[0], names, n=3) or names
            raise ValueError(f"there is no cross-attention layer {unknown[0]!r}; try {', '.join(close)}")
        self.words = words_and_tokens(pipeline, prompt)
        if not self.words:
            raise ValueError(f"the prompt {prompt!r} has no words to look for")
        self.unet = pipeline.unet
        if layers is None:
            layers = TAUGHT_LAYERS if model_name(pipeline) in SHIPPED_DEFAULTS else names
        self.layers = list(layers)
        self.runs: dict[int, _Run] = {}

    def start_batch(self, seeds: list[int]) -> None:
        """What follows belongs to these pictures; a batch that starts again replaces its first attempt."""
        self.runs[seeds[0]] = _Run(seeds)

    @contextmanager
    def attached(self) -> Iterator[None]:
        before = dict(self.unet.attn_processors)
        watching = {
            f"{name}.processor": _WatchingProcessor(self, name, before[f"{name}.processor"]) for name in self.layers
        }
        hook = self.unet.register_forward_pre_hook(self._step_starts, with_kwargs=True)
        try:
            self.unet.set_attn_processor({**before, **watching})
            yield
        finally:
            hook.remove()
            self.unet.set_attn_processor(before)

    def finish(self) -> list[WordMaps]:
        """One for each picture, in the order of their seeds."""
        words = tuple(word for word, _ in self.words)
        return [
            WordMaps(
                words,
                tuple(run.timesteps),
                {name: torch.stack([step[row] for step in run.maps[name]]) for name in self.layers},
                run.size,
            )
            for run in self.runs.values()
            for row in range(len(run.seeds))
        ]

    def keep(self, layer: str, attention: Any, hidden_states: Tensor, text: Tensor, mask: Tensor | None) -> None:
        """Record one layer's attention; hidden states (B, h * w, C), with guidance the prompt's rows are the last."""
        run = self._current_run()
        count = len(run.seeds)
        query = attention.head_to_batch_dim(attention.to_q(hidden_states[-count:]))
        text = attention.norm_encoder_hidden_states(text[-count:]) if attention.norm_cross else text[-count:]
        key = attention.head_to_batch_dim(attention.to_k(text))
        scores = attention.get_attention_scores(query, key, mask)  # (count * heads, h * w, tokens)
        scores = scores.unflatten(0, (count, attention.heads)).float().mean(dim=1)
        maps = torch.stack([scores[:, :, positions].sum(dim=2) for _, positions in self.words], dim=1)
        height, width = _grid(run.size, maps.shape[2])
        run.maps.setdefault(layer, []).append(maps.unflatten(2, (height, width)).cpu())

    def _current_run(self) -> _Run:
        if not self.runs:
            raise RuntimeError("nobody said whose maps these are: call start_batch(seeds) before the pipeline")
        return self.runs[next(reversed(self.runs))]

    def _step_starts(self, unet: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        run = self._current_run()
        sample: Tensor = named["sample"] if "sample" in named else inputs[0]
        timestep = named["timestep"] if "timestep" in named else inputs[1]
        run.size = (sample.shape[-2], sample.shape[-1])
        run.timesteps.append(float(torch.as_tensor(timestep).flatten()[0]))


class _WatchingProcessor:
    """Shows a layer's attention to the recorder, then lets the layer's own processor do the work."""

    def __init__(self, recorder: WordMapRecorder, layer: str, processor: Any) -> None:
        self.recorder, self.layer, self.processor = recorder, layer, processor
        # Diffusers reads here which arguments it may pass on.
        self.__call__ = wraps(processor.__call__)(partial(_WatchingProcessor.__call__, self))  # type: ignore

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        with torch.no_grad():
            self.recorder.keep(self.layer, attn, hidden_states, encoder_hidden_states, attention_mask)
        return self.processor(attn, hidden_states, encoder_hidden_states, attention_mask, *args, **kwargs)


def _grid(size: tuple[int, int], count: int) -> tuple[int, int]:
    """The height and width of a layer with so many latent pixels; every level halves, rounding up."""
    height, width = size
    while height * width > count:
        height, width = -(-height // 2), -(-width // 2)
    if height * width != count:
        raise ValueError(f"{count} positions do not come from latents of {size[0]}×{size[1]} by halving")
    return height, width

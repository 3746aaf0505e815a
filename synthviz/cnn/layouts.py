"""The layout of a layer's output: which axis holds the channels, and where the positions in the picture are.

Convolutional networks put channels first, (N, C, h, w). Swin and the inside of ConvNeXt's blocks put them last,
(N, h, w, C). Vision transformers return tokens, (N, T, C) or (T, N, C): one token for each patch of the picture, row by
row, after the class token and other tokens that belong to no patch.
"""

from __future__ import annotations

from math import gcd, inf, isqrt

from torch import Tensor, nn

CHANNELS_FIRST, CHANNELS_LAST = "channels first", "channels last"
TOKENS, TOKENS_FIRST = "tokens", "tokens first"
LAYOUTS = (CHANNELS_FIRST, CHANNELS_LAST, TOKENS, TOKENS_FIRST)
MOST_EXTRA_TOKENS = 8  # a class token, a distillation token, and registers (Darcet et al. 2023)


def check_layout(layout: str) -> None:
    """Check a parameter `layout`.

    Raises:
        ValueError: if it is not "auto" or one of `LAYOUTS`.
    """
    if layout not in ("auto", *LAYOUTS):
        raise ValueError(f"layout is {layout!r}; it must be one of {', '.join(('auto', *LAYOUTS))}")


def to_feature_maps(
    output: Tensor,
    layout: str = "auto",
    picture_size: tuple[int, int] | None = None,
    name: str = "the layer",
    layer: nn.Module | None = None,
) -> Tensor:
    """Return a layer's output as feature maps, (N, C, h, w), a view where possible; extra tokens are dropped.

    Args:
        output: (N, C, h, w), (N, h, w, C), (N, T, C) or (T, N, C).
        layout: one of `LAYOUTS`, or "auto" for the layout that agrees with the shape.
        picture_size: height and width of the picture that the network received, in pixels; maps have nearly the same
            proportions. None if it is not known; maps are then assumed to be square, or to have channels first.
        name: of the layer, for messages.
        layer: the layer itself; where a shape agrees with channels first and last, its modules decide.

    Raises:
        ValueError: if the shape does not have this layout, or "auto" is not certain.
    """
    check_layout(layout)
    if layout == "auto":
        layout = _find_layout(output, picture_size, name, layer)
    if layout in (CHANNELS_FIRST, CHANNELS_LAST):
        _check_axes(output, 4, layout, name)
        return output if layout == CHANNELS_FIRST else output.permute(0, 3, 1, 2)
    _check_axes(output, 3, layout, name)
    tokens = output if layout == TOKENS else output.transpose(0, 1)  # (N, T, C)
    grid = _token_grid(tokens.shape[1], picture_size)
    if grid is None:
        raise ValueError(
            f"{name} returns {tuple(output.shape)}; its {tokens.shape[1]} tokens are not a grid of patches, with up to "
            f"{MOST_EXTRA_TOKENS} more tokens before it"
        )
    patches = tokens[:, tokens.shape[1] - grid[0] * grid[1] :]
    return patches.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *grid)


def may_be_tokens(shape: tuple[int, ...]) -> bool:
    """Whether (1, a, b) may be tokens of a square picture, (1, T, C), and not one map of a×b."""
    return (
        len(shape) == 3
        and shape[0] == 1
        and shape[1] != shape[2]
        and any(isqrt(shape[1] - extra) ** 2 == shape[1] - extra for extra in (0, 1, 2, 5) if shape[1] > extra)
    )


def _check_axes(output: Tensor, axes: int, layout: str, name: str) -> None:
    if output.dim() != axes or 0 in output.shape:
        raise ValueError(f"{name} returns {tuple(output.shape)}, which is not {axes} axes with {layout}")


def _find_layout(output: Tensor, picture_size: tuple[int, int] | None, name: str, layer: nn.Module | None) -> str:
    shape = tuple(output.shape)
    if len(shape) == 4 and 0 not in shape:
        first, last = _misfit(shape[2:], picture_size), _misfit(shape[1:3], picture_size)
        if last < first and picture_size is None:
            raise ValueError(
                f"{name} returns {shape}: {shape[1]} channels of {shape[2]}×{shape[3]}, or {shape[3]} channels of "
                f'{shape[1]}×{shape[2]}; give layout="channels first" or layout="channels last"'
            )
        is_last = last < first or (last == first < inf and _works_on_the_last_axis(layer))
        return CHANNELS_LAST if is_last else CHANNELS_FIRST
    if len(shape) == 3 and 0 not in shape:
        fitting = [TOKENS] if shape[0] == 1 and _token_grid(shape[1], picture_size) else []
        fitting += [TOKENS_FIRST] if shape[1] == 1 and _token_grid(shape[0], picture_size) else []
        if len(fitting) == 1:
            return fitting[0]
    raise ValueError(
        f"{name} returns {shape}; feature maps are (1, C, h, w), (1, h, w, C), (1, T, C) or (T, 1, C), where the T "
        "tokens are a grid of patches"
    )


def _works_on_the_last_axis(layer: nn.Module | None) -> bool:
    """Whether a layer consists of modules that take channels last, such as those of Swin."""
    kinds = {type(module) for module in layer.modules()} if layer is not None else set()
    return bool(kinds & {nn.Linear, nn.LayerNorm}) and not kinds & {nn.Conv2d, nn.BatchNorm2d, nn.GroupNorm}


def _misfit(size: tuple[int, ...], picture_size: tuple[int, int] | None) -> float:
    """Return how many columns maps have too many or too few for the picture's proportions; infinity for a lot.

    If the picture is not known, it is assumed to be square.
    """
    if picture_size is None:
        return 0.0 if size[0] == size[1] else inf
    misfit = abs(size[0] * picture_size[1] / picture_size[0] - size[1])
    return misfit if misfit <= 2 + 0.05 * size[1] else inf  # unpadded convolutions lose some


def _token_grid(count: int, picture_size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return rows and columns of the patches among this number of tokens, with as few extra tokens as possible."""
    for patches in range(count, max(0, count - MOST_EXTRA_TOKENS - 1), -1):
        if picture_size is None or picture_size[0] == picture_size[1]:
            if isqrt(patches) ** 2 == patches:
                return isqrt(patches), isqrt(patches)
            continue
        for side in _common_divisors(*picture_size):
            rows, columns = picture_size[0] // side, picture_size[1] // side
            if rows * columns == patches:
                return rows, columns
    return None


def _common_divisors(height: int, width: int) -> list[int]:
    """Return the sides of the square patches into which a picture can be divided."""
    most = gcd(height, width)
    return [side for side in range(1, most + 1) if most % side == 0]

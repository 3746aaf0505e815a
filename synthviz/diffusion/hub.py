"""Fetch the list of a model's parts from the Hugging Face hub, and say in one sentence why a model does not come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def fetch_index(model: str) -> dict[str, Any]:
    """Return the `model_index.json` of a model on the hub.

    Args:
        model: a hub id, "owner/name".

    Raises:
        OSError, ValueError: of huggingface_hub, if it cannot be fetched; see `why_not_fetched`.
    """
    from huggingface_hub import hf_hub_download

    index: dict[str, Any] = json.loads(Path(hf_hub_download(model, "model_index.json")).read_text(encoding="utf-8"))
    return index


def list_files(model: str) -> list[str]:
    """Return the names of a model's files on the hub; without a network, of those that this machine has.

    Args:
        model: a hub id, "owner/name", whose `model_index.json` this machine has.
    """
    from huggingface_hub import hf_hub_download, list_repo_files

    try:
        return list_repo_files(model)
    except Exception:  # of the network, or of the hub
        folder = Path(hf_hub_download(model, "model_index.json")).parent
        return [path.relative_to(folder).as_posix() for path in folder.glob("*/*")]


def why_not_fetched(model: str, error: BaseException) -> str | None:
    """Return one sentence that says why a model does not come from the hub, and what to do; None for another error.

    The type of the error decides, or of an error that it was raised from: libraries wrap the errors of huggingface_hub.
    """
    from huggingface_hub import errors

    def found(*kinds: type[BaseException]) -> BaseException | None:
        return next((each for each in _chain(error) if isinstance(each, kinds)), None)

    if found(errors.GatedRepoError):
        return (
            f"the model {model!r} is gated: accept its licence at https://huggingface.co/{model}, then log in with "
            "`hf auth login`"
        )
    if found(errors.RepositoryNotFoundError):
        return (
            f"there is no local folder {model!r}, and the hub has no such model, or it is private: check the spelling "
            "of 'owner/name', or log in with `hf auth login`"
        )
    if found(errors.DisabledRepoError):
        return f"the hub has disabled the model {model!r}"
    if _is_missing_index(error):
        return f"the model {model!r} on the hub is no diffusers pipeline: it has no model_index.json"
    if isinstance(failed := found(errors.HfHubHTTPError), errors.HfHubHTTPError):
        return f"the hub did not send the model {model!r}: it answered {failed.response.status_code}; try again later"
    if found(errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.RevisionResolutionError):
        return (
            f"the model {model!r} is neither a local folder nor downloaded yet, and the hub cannot be reached; with a "
            f"network, fetch it once with `hf download {model}`"
        )
    return None


def _is_missing_index(error: BaseException) -> bool:
    """Tell whether the hub has the model without an index; files of parts are looked for under several names."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    return isinstance(error, RemoteEntryNotFoundError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

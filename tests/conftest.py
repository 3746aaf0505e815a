"""What several test files share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A folder for each family, as a person would have downloaded it."""
    import tiny_pipelines

    folders = {}
    for name, build in tiny_pipelines.FAMILIES.items():
        folders[name] = tmp_path_factory.mktemp(name)
        build().save_pretrained(folders[name], safe_serialization=True)
    return folders


@pytest.fixture(params=[None, 3, 10, 16])
def threads(request):
    """As on a processor with so many cores, only slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(request.param or before)
    yield
    torch.set_num_threads(before)

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

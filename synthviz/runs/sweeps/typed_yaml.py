"""Read YAML whose values stay the text that was typed.

YAML 1.1 turns `no` into false, `010` into 8, `1:30` into 90 and `2024-05-01` into a date, and it leaves `1e-3` a text.
Here the notebooks declare the types of their parameters, so a value stays text until its type is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import yaml

from synthviz.runs.errors import RunError

KEPT_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")  # no value, and `<<`


class _AsTyped(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Leaves plain values as text, except for those that are empty."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in KEPT_TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file: mappings and lists of texts; None stands for a missing value.

    Raises:
        RunError: if the file cannot be read, is not YAML, holds no mapping, or has a name twice in a mapping.
    """
    text = read_text(path)
    try:
        _check_unique_names(yaml.compose(text, _AsTyped), path.name)
        content = yaml.load(text, _AsTyped)  # a SafeLoader
    except yaml.YAMLError as error:
        raise RunError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise RunError(f"{path.name} is not YAML that can be read: it is nested too deeply") from error
    if not isinstance(content, dict):
        raise RunError(f"{path.name} holds no settings; it needs lines such as 'grid:', see the README")
    return content


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8 or, with a byte order mark as Excel's "Unicode text" has it, in UTF-16.

    Raises:
        RunError: if the file cannot be read or has another encoding.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except OSError as error:
        raise RunError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(
            f"{path.name} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise RunError(f"{path.name} is not UTF-8 text (it has a zero byte at {text.index(chr(0))}); save it as UTF-8")
    return text


def _check_unique_names(root: Any, file_name: str) -> None:
    """Check that no name stands twice in a YAML mapping: YAML forbids it, but PyYAML silently takes the last one.

    Args:
        root: the node of the whole file, from `yaml.compose`.
        file_name: for the message.
    """
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RunError(f"{file_name} has {', '.join(twice)} twice, at line {node.start_mark.line + 1}")
            waiting += [value for _, value in node.value]

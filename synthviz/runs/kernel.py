"""The kernel of a headless run: this Python, without the user's settings, reached through private sockets.

Jupyter would start the kernel that `jupyter kernelspec list` shows as "python3", which can belong to another Python.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traitlets.config import Config

logger = logging.getLogger(__name__)

LONGEST_SOCKET = "kernel-ipc-10"  # the name that jupyter_client gives to the last of its sockets, with a digit to spare
PREFIX = "synthviz-"
LEVEL = len("/synthviz-12345678")
# A user's start-up file, profile, style or filter of warnings must not change a run; Python ignores empty variables.
SWITCHED_OFF = ("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONINSPECT")


@contextmanager
def private_folder(levels: int = 0) -> Iterator[Path]:
    """Create a temporary folder that other users cannot open, and remove it afterwards.

    Sockets fit into it if this machine has a place for them; otherwise it is where all temporary files are.

    Args:
        levels: how many folders deeper the sockets will lie, at most; each is made by this function.
    """
    with tempfile.TemporaryDirectory(
        prefix=PREFIX, dir=short_temporary_folder(levels), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def short_temporary_folder(levels: int = 0) -> str | None:
    """Return a folder for temporary folders with sockets in them; None if there is no such folder.

    The path of a socket may have about a hundred bytes, and some disks can hold no sockets. `TMPDIR` may name a folder
    that is too deep, or such a disk.

    Args:
        levels: as in `private_folder`.
    """
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        with suppress(OSError), tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as folder:
            if holds_sockets(Path(folder), levels):
                return parent
    return None


def holds_sockets(folder: Path, levels: int = 0) -> bool:
    """Whether a kernel's sockets can be made in a folder, or so many levels deeper; on Windows they cannot."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    path = folder / (levels * LEVEL * "-" + LONGEST_SOCKET)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
    except OSError:
        return False
    path.unlink()
    return True


@contextmanager
def this_python(private: Path) -> Iterator[dict[str, Any]]:
    """Yield the options for `papermill.execute_notebook` that start this Python as the kernel.

    The kernel talks over sockets in the private folder, or listens on the loopback interface, as Jupyter does by
    default, if the folder cannot hold sockets. It reads neither the user's IPython profile, which may run code at the
    start, nor a matplotlibrc, and it imports nothing from the folder it runs in. It ends with the block.

    Args:
        private: a folder that other users cannot open.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    environment = _environment(private)
    managers: list[AsyncKernelManager] = []

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            # Jupyter interrupts a kernel before it ends it, of which the kernel's own log would tell as of an error.
            arguments = ["-P", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
            return KernelSpec(argv=[sys.executable, *arguments], language="python", env=environment)

    class ThisPythonManager(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return ThisPython(parent=self)

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            managers.append(self)

    try:
        yield {"kernel_name": "python3", "kernel_manager_class": ThisPythonManager, "config": _connection(private)}
    finally:
        for manager in managers:
            _end(manager)


def _end(manager: Any) -> None:
    """End what nbclient leaves behind when it cannot connect to a kernel: the kernel, and sockets.

    Python would wait for ever for these sockets to send what they hold.
    """
    if manager.has_kernel:
        manager.provisioner.process.kill()
        manager.provisioner.process.wait()
    manager.context.destroy(linger=0)


def _environment(private: Path) -> dict[str, str]:
    """Return the variables that a kernel gets besides those of this process."""
    style = private / "matplotlibrc"
    style.touch()  # an empty one changes nothing
    environment = dict.fromkeys(SWITCHED_OFF, "") | {
        "IPYTHONDIR": str(private / "ipython"),
        "MATPLOTLIBRC": str(style),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if os.environ.get("PYTHONPATH"):  # a relative path would mean another folder to the kernel
        paths = os.environ["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths)
    # jupyter_client fills in variables such as $HOME.
    return {name: value.replace("$", "$$") for name, value in environment.items()}


def _connection(private: Path) -> Config:
    from traitlets.config import Config

    config = Config()
    if holds_sockets(private):
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = str(private / "kernel.json")
    elif hasattr(socket, "AF_UNIX"):
        logger.warning("%s cannot hold sockets, so the kernel listens on the loopback interface.", private.parent)
    return config

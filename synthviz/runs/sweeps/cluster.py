"""Where a sweep runs: workers on this machine, or a Dask cluster that exists."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from synthviz.runs.errors import RunError
from synthviz.runs.private_folders import private_folder

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

GB_A_RUN = 2.0  # what the embedded model and three notebooks take, with room to spare
MOST_GB_A_RUN = 16.0  # where there is plenty, a larger model has room and a leak still ends
CONNECT_SECONDS = 20


@dataclass(frozen=True)
class ClusterSettings:
    """Where to run.

    Attributes:
        scheduler: "tls://host:port" of a cluster that exists; None starts workers here. "tcp://…" is taken on the
            loopback interface only: Dask moves pickles, and whoever reaches a scheduler can run code on its workers.
        workers: how many to start here; None for as many as cores and memory allow.
        tls_ca_file, tls_cert, tls_key: as of Dask's command line; None takes them from Dask's configuration.
    """

    scheduler: str | None = None
    workers: int | None = None
    tls_ca_file: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise RunError(f"workers is {self.workers}; it must be 1 or more")
        if self.scheduler is None:
            return
        address = urlsplit(self.scheduler)
        if address.scheme not in ("tls", "tcp") or not address.hostname:
            raise RunError(f"the scheduler is {self.scheduler!r}; it must be an address such as tls://host:8786")
        if address.scheme == "tcp" and not _is_loopback(address.hostname):
            raise RunError(f"{self.scheduler!r} is not protected; beyond this machine a scheduler must be at tls://…")


@dataclass(frozen=True)
class Share:
    """What a kernel should take of its worker's machine.

    Attributes:
        threads: 0 leaves them as the worker is set up.
        memory_gb: in 10^9 bytes; None lets the worker's machine decide.
    """

    threads: int = 0
    memory_gb: float | None = None


@contextmanager
def connected(settings: ClusterSettings, say: Callable[[str], None]) -> Iterator[tuple[Client, Share]]:
    """A client of the cluster, and the share of its machine that each kernel should take.

    Raises:
        RunError: if workers cannot be started, or the cluster cannot be reached or has none.
    """
    from distributed import Client

    with ExitStack() as stack:
        if settings.scheduler is None:
            count, threads = size_workers(settings.workers)
            say(f"Starting {count} worker{'s' * (count > 1)} here, {threads} thread{'s' * (threads > 1)} for each run.")
            share = Share(threads, memory_share(count))
            client = _local_client(count, stack)
        else:
            share = Share()
            try:
                client = stack.enter_context(
                    Client(settings.scheduler, security=_security(settings), timeout=CONNECT_SECONDS)
                )
            except (OSError, TimeoutError, ValueError, TypeError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise RunError(f"the scheduler {settings.scheduler!r} cannot be reached: {reason}") from error
            try:
                client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            except TimeoutError as error:
                raise RunError(f"the scheduler {settings.scheduler!r} has no workers; start some first") from error
        yield client, share


def size_workers(workers: int | None) -> tuple[int, int]:
    """How many workers to start on this machine, and how many threads each one's kernel should have."""
    import psutil
    from dask.system import CPU_COUNT

    room = max(1, int(psutil.virtual_memory().available / (GB_A_RUN * 1e9)))
    count = workers or max(1, min(CPU_COUNT, room))
    return count, max(1, CPU_COUNT // count)


def memory_share(workers: int = 1) -> float:
    """The memory that a kernel may take, in 10^9 bytes, where so many workers share this machine."""
    from distributed.system import MEMORY_LIMIT

    return max(GB_A_RUN, min(MOST_GB_A_RUN, 0.9 * MEMORY_LIMIT / 1e9 / workers))


def _local_client(count: int, stack: ExitStack) -> Client:
    from distributed import Client, LocalCluster

    try:
        scratch = stack.enter_context(private_folder())
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                security=True,  # other users of this machine can reach its loopback interface too
                memory_limit=0,  # the kernels take the memory, and have their own limit
                local_directory=str(scratch),
                silence_logs=50,
            )
        )
        return stack.enter_context(Client(cluster))
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RunError(f"no workers can be started on this machine: {reason}") from error


def _security(settings: ClusterSettings) -> Security:
    from distributed.security import Security

    given = {
        "tls_ca_file": settings.tls_ca_file,
        "tls_client_cert": settings.tls_cert,
        "tls_client_key": settings.tls_key,
    }
    for path in given.values():
        if path is not None and not os.path.isfile(path):
            raise RunError(f"there is no file {path!r}; the TLS settings name the certificates' files")
    protected = urlsplit(settings.scheduler or "").scheme == "tls"
    return Security(require_encryption=protected, **{name: path for name, path in given.items() if path is not None})


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

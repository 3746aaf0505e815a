"""Where a sweep runs: workers on this machine, or a Dask cluster that exists."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from synthviz.runs import RunError

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

GB_A_RUN = 2.0  # what the embedded model and three notebooks take, with room to spare
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


@contextmanager
def connected(settings: ClusterSettings, say: Callable[[str], None]) -> Iterator[tuple[Client, int]]:
    """A client of the cluster, and how many threads each kernel should have (0: as the workers are set up).

    Raises:
        RunError: if the cluster cannot be reached or has no workers.
    """
    from distributed import Client

    with ExitStack() as stack:
        if settings.scheduler is None:
            count, threads = size_workers(settings.workers)
            say(f"Starting {count} worker{'s' * (count > 1)} here, {threads} thread{'s' * (threads > 1)} for each run.")
            client = stack.enter_context(_local_client(count, stack))
        else:
            threads = 0
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
        yield client, threads


def size_workers(workers: int | None) -> tuple[int, int]:
    """How many workers to start on this machine, and how many threads each one's kernel should have."""
    import psutil
    from dask.system import CPU_COUNT

    room = max(1, int(psutil.virtual_memory().available / (GB_A_RUN * 1e9)))
    count = workers or max(1, min(CPU_COUNT, room))
    return count, max(1, CPU_COUNT // count)


@contextmanager
def _local_client(count: int, stack: ExitStack) -> Iterator[Client]:
    from distributed import Client, LocalCluster

    # Temporary certificates: other users of this machine can reach its loopback interface too.
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="synthviz-sweep-", ignore_cleanup_errors=True))
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            security=True,
            memory_limit=0,  # the kernels take the memory, and have their own limit
            local_directory=scratch,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


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

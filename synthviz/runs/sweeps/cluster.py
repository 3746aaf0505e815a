"""The cluster that does a sweep: workers started on this machine, or an existing Dask cluster."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synthviz.files import user_path
from synthviz.runs.errors import RunError
from synthviz.runs.kernel import private_folder
from synthviz.runs.open_files import NEEDED, check_open_files

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

logger = logging.getLogger(__name__)

GB_PER_RUN = 2.0  # the embedded model and three notebooks need less
MOST_GB_PER_RUN = 16.0  # enough for a larger model; a memory leak still ends
CONNECT_SECONDS = 20
# The open files of the process that starts workers here.
FILES_OF_DRIVER = 40
FILES_PER_WORKER = 10


@dataclass(frozen=True)
class ClusterSettings:
    """Where to run.

    Attributes:
        scheduler: "tls://host:port" of an existing cluster; None starts workers on this machine. "tcp://…" is allowed
            on the loopback interface only: Dask sends pickles, so whoever reaches a scheduler can run code on its
            workers.
        workers: how many workers to start on this machine; None for as many as cores and memory allow.
        tls_ca_file, tls_cert, tls_key: the certificates' files, as in Dask's command line; None takes them from Dask's
            configuration.

    Raises:
        RunError: if `workers` is below 1, or `scheduler` is not an address or is not protected.
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
    """The part of its machine that each kernel may use.

    Attributes:
        threads: the number of threads; 0 leaves it as the worker is set up.
        memory_gb: the memory, in 10^9 bytes; None lets the worker decide.
    """

    threads: int = 0
    memory_gb: float | None = None


@contextmanager
def connect(settings: ClusterSettings) -> Iterator[tuple[Client, Share]]:
    """Yield a client of the cluster, and the part of its machine that each kernel may use.

    Raises:
        RunError: if workers cannot be started here, or the cluster cannot be reached or has no workers.
    """
    with ExitStack() as stack:
        if settings.scheduler is not None:
            yield _connect_to_scheduler(settings.scheduler, settings, stack), Share()
            return
        count, threads = size_workers(settings.workers)
        check_open_files(max(NEEDED, FILES_OF_DRIVER + count * FILES_PER_WORKER))
        workers = "1 worker" if count == 1 else f"{count} workers"
        logger.info("Starting %s here, with %d thread%s for each run.", workers, threads, "s" if threads > 1 else "")
        yield _start_local_workers(count, stack), Share(threads, memory_share(count))


def size_workers(workers: int | None) -> tuple[int, int]:
    """Return how many workers to start on this machine, and how many threads each one's kernel should use."""
    import psutil
    from dask.system import CPU_COUNT

    fitting = max(1, int(psutil.virtual_memory().available / (GB_PER_RUN * 1e9)))
    count = workers or max(1, min(CPU_COUNT, fitting))
    return count, max(1, CPU_COUNT // count)


def memory_share(workers: int = 1) -> float:
    """Return the memory that a kernel may use, in 10^9 bytes, if this number of workers share this machine."""
    from distributed.system import MEMORY_LIMIT

    return max(GB_PER_RUN, min(MOST_GB_PER_RUN, 0.9 * MEMORY_LIMIT / 1e9 / workers))


def _connect_to_scheduler(address: str, settings: ClusterSettings, stack: ExitStack) -> Client:
    """Connect to an existing cluster until the stack is closed."""
    from distributed import Client

    try:
        client: Client = stack.enter_context(Client(address, security=_security(settings), timeout=CONNECT_SECONDS))
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise RunError(f"the scheduler {address!r} cannot be reached: {_reason(error)}") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise RunError(f"the scheduler {address!r} has no workers; start some first") from error
    return client


def _start_local_workers(count: int, stack: ExitStack) -> Client:
    """Start workers on this machine, which end when the stack is closed, and connect to them."""
    import dask
    from distributed import Client, LocalCluster

    try:
        stack.enter_context(dask.config.set(_default_dask_settings()))
        # A worker makes a folder for each run in it, and the kernel of the run a folder for its sockets in that.
        scratch = str(stack.enter_context(private_folder(levels=2)))
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                security=True,  # other users of this machine can reach its loopback interface too
                memory_limit=0,  # the kernels need the memory, and have their own limit
                local_directory=scratch,
                # Dask kills workers that are busy when the sweep is stopped; their temporary files go with the folder.
                env={"TMPDIR": scratch},
                silence_logs=50,
            )
        )
        client: Client = stack.enter_context(Client(cluster))
    except (RuntimeError, OSError) as error:
        raise RunError(f"no workers can be started on this machine: {_reason(error)}") from error
    return client


def _default_dask_settings() -> dict[str, Any]:
    """Return Dask's own settings of schedulers, nannies and workers.

    The user's settings are made for other clusters: with a lifetime, or a module to load first, workers would end
    before a run does.
    """
    from dask import config

    own = config.merge(*config.defaults)["distributed"]
    return {f"distributed.{part}": own[part] for part in ("scheduler", "nanny", "worker")}


def _security(settings: ClusterSettings) -> Security:
    from distributed.security import Security

    given = {
        "tls_ca_file": settings.tls_ca_file,
        "tls_client_cert": settings.tls_cert,
        "tls_client_key": settings.tls_key,
    }
    for path in given.values():
        if path is not None and not user_path(path).is_file():
            raise RunError(f"there is no file {path!r}; the TLS settings name the certificates' files")
    protected = urlsplit(settings.scheduler or "").scheme == "tls"
    security = Security(
        require_encryption=protected, **{name: str(user_path(path)) for name, path in given.items() if path is not None}
    )
    if protected and security.get_connection_args("client").get("ssl_context") is None:
        raise RunError(
            f"the scheduler {settings.scheduler!r} needs certificates; give --tls-ca-file, --tls-cert and --tls-key, "
            "or set them in Dask's configuration"
        )
    return security


def _reason(error: Exception) -> str:
    """Return an error's message on one line, or its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

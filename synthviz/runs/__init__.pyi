from . import (
    chain as chain,
    errors as errors,
    html as html,
    limits as limits,
    notebook as notebook,
    open_files as open_files,
    parameters as parameters,
    run_process as run_process,
    sweeps as sweeps,
)
from .chain import (
    NOTEBOOKS as NOTEBOOKS,
    FinishedRun as FinishedRun,
    describe as describe,
    notebooks_folder as notebooks_folder,
    run_notebooks as run_notebooks,
)
from .errors import (
    CellError as CellError,
    LimitExceeded as LimitExceeded,
    RunError as RunError,
    WorkerUnfit as WorkerUnfit,
)
from .html import export_html as export_html
from .limits import Limits as Limits
from .notebook import execute as execute
from .parameters import Parameter as Parameter, check_parameters as check_parameters, read_parameters as read_parameters
from .run_process import run_within as run_within

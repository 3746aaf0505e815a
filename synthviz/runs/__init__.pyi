from . import (
    chain as chain,
    errors as errors,
    html as html,
    notebook as notebook,
    parameters as parameters,
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
from .notebook import execute as execute
from .parameters import Parameter as Parameter, check_parameters as check_parameters, read_parameters as read_parameters

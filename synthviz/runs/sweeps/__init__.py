"""Many runs of the notebooks on Dask: `python -m synthviz sweep sweep.yaml --output-dir sweeps/first`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

from . import (
    folder as folder,
    greys as greys,
    image as image,
    image_files as image_files,
    isolation as isolation,
    loaded_image as loaded_image,
    settings as settings,
    steps as steps,
)
from .folder import preprocess_folder as preprocess_folder
from .image import preprocess_image as preprocess_image
from .image_files import PreprocessingError as PreprocessingError
from .loaded_image import LoadedImage as LoadedImage, test_pattern as test_pattern

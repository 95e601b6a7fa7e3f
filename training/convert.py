"""Convert a Keras model to TFLite, float32, so that it runs without TensorFlow."""

import tempfile
from pathlib import Path

from training.recipe import TrainingError
from training.saved_model import copy_without_file_access


def convert(source: Path, target: Path) -> None:
    """Convert a ``.keras`` file or the folder of a SavedModel. Raises TrainingError.

    Code inside a file (`Lambda` layers) is refused: Keras's safe mode stays on. A SavedModel is
    loaded from a copy that can reach no files.
    """
    import keras
    import tensorflow as tf

    try:
        if source.is_dir():
            network = _of_saved_model(source, target.parent)
        else:
            model = keras.saving.load_model(source, compile=False, safe_mode=True)
            network = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    except TrainingError:
        raise
    except Exception as error:  # Keras, TensorFlow and its converter share no class but this one
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise TrainingError(f"{source.name} cannot be converted: {reason}") from error
    target.write_bytes(network)
    print(f"wrote {target}")


def _of_saved_model(source: Path, scratch: Path) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=scratch, prefix=".converting-") as folder:
        copy = Path(folder) / "model"
        copy_without_file_access(source, copy)
        network: bytes = tf.lite.TFLiteConverter.from_saved_model(str(copy)).convert()
    return network

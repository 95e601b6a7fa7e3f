"""Convert a Keras model to TFLite, float32, so that it runs without TensorFlow."""

from pathlib import Path

from training.recipe import TrainingError


def convert(source: Path, target: Path) -> None:
    """Convert a ``.keras`` file or the folder of a SavedModel. Raises TrainingError.

    Code inside a file (`Lambda` layers) is refused: Keras's safe mode stays on.
    """
    import keras
    import tensorflow as tf

    try:
        if source.is_dir():
            converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
        else:
            model = keras.saving.load_model(source, compile=False, safe_mode=True)
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
        network = converter.convert()
    except Exception as error:  # Keras, TensorFlow and its converter share no class but this one
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise TrainingError(f"{source.name} cannot be converted: {reason}") from error
    target.write_bytes(network)
    print(f"wrote {target}")

"""Open the engine that a bundle names."""

from scene_model.classifier.bundle import Bundle
from scene_model.classifier.engines.engine import Engine
from scene_model.classifier.engines.litert import LitertEngine
from scene_model.classifier.engines.onnx import OnnxEngine


def open_engine(bundle: Bundle, interpreters: int) -> Engine:
    """Open the engine of a bundle; up to ``interpreters`` threads run the network at a time.

    Raises EngineMissing where its runtime is not installed. A network that cannot be run is
    reported by the first embedding, or by `Engine.check`.
    """
    if bundle.description.backbone.engine == "onnx":
        return OnnxEngine(bundle, interpreters)
    return LitertEngine(bundle, interpreters)

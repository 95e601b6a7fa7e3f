"""Open the model that the settings name, and the decoders of photos."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.jobs.workers import step_aside
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders


def open_classifier(settings: Settings, decoders: Decoders) -> Classifier:
    """Open the bundle named in the settings, without a trial prediction; raises BundleError."""
    return open_bundle(settings.bundle, settings, decoders, check=False)


def open_bundle(
    folder: Path, settings: Settings, decoders: Decoders, check: bool = True
) -> Classifier:
    """Open a bundle; ``check`` runs a trial prediction. Raises BundleError."""
    # Each worker thread has a photo of its own. BLAS threads would only take the processor from
    # the workers: they wait for one another by spinning.
    threadpool_limits(1, "blas")
    classifier = Classifier.open(folder, decoders.limits, settings.workers, decoders)
    if check:
        classifier.check()
    return classifier


def open_decoders(settings: Settings) -> Decoders:
    """Configure the decoder processes; each starts when it is first needed."""
    limits = PhotoLimits(
        settings.max_file_bytes,
        settings.max_pixels,
        settings.max_decoding_bytes,
        settings.max_decoding_s,
        settings.max_video_bytes,
    )
    return Decoders(limits, settings.workers, aside=step_aside)

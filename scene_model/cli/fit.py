"""``fit``: a model of one's own from folders of photos, without TensorFlow."""

import argparse
import sys
from pathlib import Path

from scene_model.classifier.fitting.own_classes import (
    DEFAULT_NAME,
    fit_own_classes,
    result_lines,
)
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.model_choice import named_bundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Fit a model on class folders: each folder of FOLDER is a class and holds at least five "
        "photos of it. The model is published into SCENE_BUNDLES, and the page Model offers it."
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of class folders")
    parser.add_argument(
        "--name",
        default=DEFAULT_NAME,
        help="name of the model (default: %(default)s); one of your own with it is replaced",
    )
    parser.add_argument(
        "--backbone",
        metavar="MODEL",
        help="fit on the network of this model, by its name or its folder, also of one that "
        "serves search only (default: the model of the settings)",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Fit, publish and say how good it is; 3 where photos were left out."""
    base = settings.bundle
    if options.backbone is not None:
        base = named_bundle(settings, options.backbone)
    own = fit_own_classes(options.folder, options.name, base, settings.bundles.expanduser())
    for line in own.passed_over:
        print(f"passed over {line}", file=sys.stderr)
    for photo in own.unreadable:
        print(f"skipped {photo.name}: {photo.error.code}: {photo.error.message}", file=sys.stderr)
    print(f"published {own.folder}")
    left_out = len(own.passed_over) + len(own.unreadable)
    print("\n".join(result_lines(own.labels, own.photo_count, own.metrics, left_out)))
    return EXIT_SOME_FAILED if own.unreadable else EXIT_DONE

"""Speed of our network, compared with the original int8 MobileNetV2, on one core.

Both take 224×224 pixels; decoding is not measured. They run in turns, so that other load affects
both: the ratio is more reliable than either rate.

    python -m benchmarks.network ORIGINAL.tflite [--bundle models/scene_mobilenet_v2]
"""

import argparse
from pathlib import Path

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.fitting.measuring import speed_metrics
from scene_model.config import DEFAULT_BUNDLE_DIR
from training.teachers import litert_network


def main() -> None:
    """Print both rates, their ratio, and the size of the files that serving reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("original", type=Path, help="the quantized ImageNet network")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE_DIR)
    options = parser.parse_args()
    figures = speed_metrics(open_bundle(options.bundle), litert_network(options.original))
    ours, original = figures["photos_per_s_per_core"], figures["original_photos_per_s_per_core"]
    print(f"ours      {ours:7.1f} photos/s  ({figures['network_ms_median']} ms median)")
    print(f"original  {original:7.1f} photos/s")
    print(f"ratio     {ours / original:7.2f}")
    print(f"size      {figures['size_bytes'] / 1e6:7.2f} MB without the float weights")


if __name__ == "__main__":
    main()

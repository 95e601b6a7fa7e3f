"""The shape of MobileNetV2 (Sandler et al. 2018, table 2), for Keras and for the ONNX export."""

# (expansion, output channels, stride) of blocks 0 to 16.
BLOCKS = (
    (1, 16, 1),
    (6, 24, 2),
    (6, 24, 1),
    (6, 32, 2),
    (6, 32, 1),
    (6, 32, 1),
    (6, 64, 2),
    (6, 64, 1),
    (6, 64, 1),
    (6, 64, 1),
    (6, 96, 1),
    (6, 96, 1),
    (6, 96, 1),
    (6, 160, 2),
    (6, 160, 1),
    (6, 160, 1),
    (6, 320, 1),
)
STEM_CHANNELS, LAST_CHANNELS = 32, 1280
# The first block of the second branch, and the prefix of its layers' names.
BRANCH_BLOCK, BRANCH = 7, "branch_"


def block_name(index: int, prefix: str = "") -> str:
    """Return the name before the names of a block's layers."""
    return prefix + (f"block_{index}" if index else "expanded_conv")

"""Full-batch Adam (Kingma and Ba 2015) with a cosine schedule, in numpy."""

from collections.abc import Callable

import numpy as np

from scene_model.classifier.bundle import FloatArray

# Adam's usual decay rates.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8

Gradients = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def minimise(
    gradients: Gradients, inputs: int, outputs: int, steps: int, learning_rate: float
) -> tuple[FloatArray, FloatArray]:
    """Fit a dense layer from zero: kernel (inputs, outputs) and bias (outputs,), float32.

    gradients: the loss's gradients by kernel and by bias. learning_rate: of the first step;
    it falls to zero along a cosine. The same input gives the same result.
    """
    kernel: FloatArray = np.zeros((inputs, outputs), np.float32)
    bias: FloatArray = np.zeros(outputs, np.float32)
    moments: list[tuple[FloatArray, FloatArray]] = [
        (np.zeros_like(value), np.zeros_like(value)) for value in (kernel, bias)
    ]
    for step in range(1, steps + 1):
        rate = learning_rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        for value, gradient, (mean, variance) in zip(
            (kernel, bias), gradients(kernel, bias), moments, strict=True
        ):
            mean += (1 - _BETA_1) * (gradient - mean)
            variance += (1 - _BETA_2) * (gradient * gradient - variance)
            unbiased = variance / (1 - _BETA_2**step)
            step_size = rate * (mean / (1 - _BETA_1**step)) / (np.sqrt(unbiased) + _EPSILON)
            value[...] = value - step_size
    return kernel, bias

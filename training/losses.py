"""Loss functions of the heads."""

from typing import Any

import tensorflow as tf


def divergence(target: Any, logits: Any) -> Any:
    """Kullback-Leibler divergence KL(target ‖ softmax(logits)) of each row: shape (N,).

    target: probabilities, shape (N, outputs).
    """
    log_target = tf.math.log(tf.maximum(target, 1e-9))
    return tf.reduce_sum(target * (log_target - tf.nn.log_softmax(logits)), axis=1)


def head_losses(logits: Any, target: Any, smoothing: float) -> Any:
    """Cross-entropy of each row to a distribution, or −log of the probability of a set: shape (N,).

    target: (allowed, sets, weight), as in `HeadTargets`. smoothing: label smoothing, 0 to 1.
    """
    allowed, sets, weight = target
    log_probabilities = tf.nn.log_softmax(logits)
    to_distribution = -tf.reduce_sum(allowed * log_probabilities, axis=1)
    smooth = -tf.reduce_mean(log_probabilities, axis=1)
    to_distribution = (1.0 - smoothing) * to_distribution + smoothing * smooth
    outside_set = tf.where(allowed > 0, 0.0, -1e9)
    to_set = -tf.reduce_logsumexp(log_probabilities + outside_set, axis=1)
    return weight * tf.where(sets, to_set, to_distribution)

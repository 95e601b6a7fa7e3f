"""What a head is told it got wrong."""

from typing import Any

import tensorflow as tf


def divergence(taught: Any, logits: Any) -> Any:
    """Kullback-Leibler divergence of each row's answer from what the teacher says."""
    log_taught = tf.math.log(tf.maximum(taught, 1e-9))
    return tf.reduce_sum(taught * (log_taught - tf.nn.log_softmax(logits)), axis=1)


def head_losses(logits: Any, target: Any, smoothing: float) -> Any:
    """Each row's cross-entropy to a distribution, or −log of the probability of a set.

    target: allowed, sets and weight, as in `HeadTargets`.
    """
    allowed, sets, weight = target
    log_probabilities = tf.nn.log_softmax(logits)
    to_distribution = -tf.reduce_sum(allowed * log_probabilities, axis=1)
    smooth = -tf.reduce_mean(log_probabilities, axis=1)
    to_distribution = (1.0 - smoothing) * to_distribution + smoothing * smooth
    outside_set = tf.where(allowed > 0, 0.0, -1e9)
    to_set = -tf.reduce_logsumexp(log_probabilities + outside_set, axis=1)
    return weight * tf.where(sets, to_set, to_distribution)

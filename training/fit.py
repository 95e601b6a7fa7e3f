"""Train one backbone and all its heads together; checkpointed every epoch, resumable."""

import hashlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from scene_model.classifier.labels import LabelSet
from training.architectures import (
    FloatArray,
    save_weights,
)
from training.augment import degraded_copy, random_view
from training.data import (
    Example,
    HeadTargets,
    check_mappings,
    data_manifest_hash,
    head_targets,
    load_examples,
)
from training.network import DISTILLED_HEAD, Network, build_network, embed_float, load_run
from training.recipe import (
    TRAINING_DIR,
    HeadRecipe,
    Recipe,
    Stage,
    read_imagenet_labels,
    read_label_set,
)
from training.splits import Part, Split, describe_split, read_split

_WARMUP_SHARE = 0.1
_EMA_MOMENTUM = 0.998
_DROPOUT = 0.2


@dataclass(frozen=True)
class LabelledData:
    """What a run works on: photos, their split, and the label set of every head."""

    examples: list[Example]
    split: Split
    label_sets: dict[str, LabelSet]


def load_data(recipe: Recipe, data_dir: Path) -> LabelledData:
    """Read photos, split lists and label sets; prints what was skipped and how it divides."""
    label_sets = load_label_sets(recipe, data_dir)
    check_mappings(recipe, label_sets)
    examples, skipped = load_examples(recipe, data_dir)
    for line in skipped:
        print("skipped", line)
    split = read_split(TRAINING_DIR / "splits")
    for line in describe_split(examples, split):
        print(line)
    return LabelledData(examples, split, label_sets)


def load_label_sets(recipe: Recipe, data_dir: Path) -> dict[str, LabelSet]:
    """Read the label set of every head."""
    return {
        head.id: read_label_set(TRAINING_DIR / "label_sets" / head.labels)
        if head.labels
        else read_imagenet_labels(data_dir / recipe.imagenet_labels)
        for head in recipe.heads
    }


def fit(recipe: Recipe, data_dir: Path, out_dir: Path) -> None:
    """Train by a recipe; goes on where an interrupted run of the same recipe stopped.

    Leaves ``float_weights.npz``, ``heads.npz`` and ``history.json`` in ``out_dir``.
    """
    keras.utils.set_random_seed(recipe.seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    data = load_data(recipe, data_dir)
    network = build_network(recipe, data.label_sets, data_dir)
    if recipe.starts_from is not None:
        load_run(network, out_dir.parent / recipe.starts_from)
    trainer = Trainer(recipe, data, network)
    trainer.run(out_dir)
    save_weights(out_dir / "float_weights.npz", network.backbone)
    np.savez(
        out_dir / "heads.npz",
        **{
            f"{head_id}/{part}": weights
            for head_id, dense in network.heads.items()
            for part, weights in zip(("kernel", "bias"), dense.get_weights(), strict=True)
        },
    )
    summary = {"data_manifest_sha256": data_manifest_hash(data.examples), "seed": recipe.seed}
    (out_dir / "run.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")


class Trainer:
    """Runs the stages of a recipe over the training part of the data."""

    def __init__(self, recipe: Recipe, data: LabelledData, network: Network) -> None:
        self._recipe, self._data, self._network = recipe, data, network
        self._targets = {
            head.id: head_targets(data.examples, head, data.label_sets[head.id], recipe)
            for head in recipe.heads
            if head.id != DISTILLED_HEAD
        }
        repeats = {source.id: source.repeat for source in recipe.sources}
        train = data.split.indices(data.examples, Part.TRAIN)
        self._epoch_indices = np.repeat(train, [repeats[data.examples[i].source] for i in train])
        self._total_steps = sum(
            stage.epochs * -(-len(self._epoch_indices) // stage.batch_size)
            for stage in recipe.stages
        )
        self._backbone_optimizer = self._optimizer(recipe.backbone_learning_rate)
        self._head_optimizer = self._optimizer(recipe.head_learning_rate)
        self._backbone_optimizer.build(network.backbone.trainable_variables)
        self._head_optimizer.build(network.head_variables)
        self._step = tf.function(self._train_step, reduce_retracing=True)

    def _optimizer(self, learning_rate: float) -> keras.optimizers.Optimizer:
        warmup = max(1, int(_WARMUP_SHARE * self._total_steps))
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=learning_rate / 50,
            decay_steps=max(1, self._total_steps - warmup),
            alpha=0.01,
            warmup_target=learning_rate,
            warmup_steps=warmup,
        )
        return keras.optimizers.AdamW(
            schedule,
            weight_decay=self._recipe.weight_decay,
            global_clipnorm=5.0,
            use_ema=True,
            ema_momentum=_EMA_MOMENTUM,
        )

    def run(self, out_dir: Path) -> None:
        """Run all epochs that are not done yet; the averaged weights end up in the network."""
        network = self._network
        checkpoint = tf.train.Checkpoint(
            backbone=network.backbone,
            backbone_optimizer=self._backbone_optimizer,
            head_optimizer=self._head_optimizer,
            **network.heads,
        )
        recipe_hash = hashlib.sha256(self._recipe.model_dump_json().encode()).hexdigest()[:12]
        manager = tf.train.CheckpointManager(
            checkpoint, str(out_dir / f"checkpoints-{recipe_hash}"), max_to_keep=2
        )
        history_file = out_dir / "history.json"
        history: list[dict[str, float]] = []
        if manager.restore_or_initialize():
            history = json.loads(history_file.read_text(encoding="utf-8"))
            print(f"going on after epoch {len(history)}")
        sizes = [(s, e) for s in self._recipe.stages for e in range(s.epochs)]
        for epoch in range(len(history), len(sizes)):
            stage, _ = sizes[epoch]
            record = self._epoch(epoch, stage)
            record.update(self._validation_accuracies(stage.input_size))
            history.append(record)
            print(json.dumps(record), flush=True)
            history_file.write_text(json.dumps(history, indent=1), encoding="utf-8")
            manager.save()
        self._backbone_optimizer.finalize_variable_values(network.backbone.trainable_variables)
        self._head_optimizer.finalize_variable_values(network.head_variables)

    def _epoch(self, epoch: int, stage: Stage) -> dict[str, float]:
        started, losses, photos = time.perf_counter(), [], 0
        for step, batch in enumerate(self._batches(epoch, stage)):
            losses.append({k: float(v) for k, v in self._step(*batch).items()})
            photos += len(batch[0])
            if step % 50 == 49:
                recent = {
                    k: round(float(np.mean([x[k] for x in losses[-50:]])), 3) for k in losses[0]
                }
                rate = photos / (time.perf_counter() - started)
                print(f"epoch {epoch + 1} step {step + 1} {recent} {rate:.0f} photos/s", flush=True)
        record: dict[str, float] = {"epoch": epoch + 1, "input_size": stage.input_size}
        record |= {f"loss_{k}": round(float(np.mean([x[k] for x in losses])), 4) for k in losses[0]}
        record["seconds"] = round(time.perf_counter() - started, 1)
        return record

    def _batches(self, epoch: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        """Yield (pixels, permutation, mixup share, targets) with augmentation running ahead."""
        side, batch_size = stage.input_size, stage.batch_size
        rng = np.random.default_rng([self._recipe.seed, epoch])
        order = rng.permutation(self._epoch_indices)
        seeds = rng.integers(0, 2**63, len(order))
        ahead: queue.Queue[tuple[Any, ...] | None] = queue.Queue(maxsize=6)

        def produce() -> None:
            with ThreadPoolExecutor(2) as pool:
                for start in range(0, len(order), batch_size):
                    chosen = order[start : start + batch_size]
                    views = pool.map(
                        lambda pair: random_view(
                            self._data.examples[pair[0]].pixels,
                            side,
                            np.random.default_rng(pair[1]),
                        ),
                        zip(chosen, seeds[start : start + batch_size], strict=True),
                    )
                    ahead.put(self._batch(np.stack(list(views)), chosen, stage, rng))
            ahead.put(None)

        threading.Thread(target=produce, daemon=True).start()
        while (batch := ahead.get()) is not None:
            yield batch

    def _batch(
        self,
        pixels: npt.NDArray[np.uint8],
        chosen: npt.NDArray[np.intp],
        stage: Stage,
        rng: np.random.Generator,
    ) -> tuple[Any, ...]:
        alpha = self._recipe.mixup_alpha
        share = float(rng.beta(alpha, alpha)) if alpha > 0 else 1.0
        targets = {
            head_id: (t.allowed[chosen], t.sets[chosen], t.weight[chosen])
            for head_id, t in self._targets.items()
        }
        permutation = rng.permutation(len(chosen)).astype(np.int32)
        mixed = np.float32(max(share, 1 - share))
        if not stage.consistency:
            return pixels, permutation, mixed, targets
        copies = np.stack([degraded_copy(view, rng) for view in pixels[: len(pixels) // 2]])
        return pixels, permutation, mixed, targets, copies, np.float32(stage.consistency)

    def _train_step(
        self,
        pixels: Any,
        permutation: Any,
        share: Any,
        targets: dict[str, Any],
        copies: Any = None,
        consistency: Any = 0.0,
    ) -> dict[str, Any]:
        network = self._network
        inputs = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        inputs = share * inputs + (1.0 - share) * tf.gather(inputs, permutation)
        taught = tf.nn.softmax(network.teacher_dense(network.teacher(inputs, training=False)))
        backbone_variables = network.backbone.trainable_variables
        with tf.GradientTape() as tape:
            # training=False keeps batch statistics as they are; their scale and shift learn.
            embedding = network.backbone(inputs, training=False)
            dropped = tf.nn.dropout(embedding, _DROPOUT)
            losses = {}
            for head in self._recipe.heads:
                if head.id == DISTILLED_HEAD:
                    logits = network.heads[head.id](embedding)
                    losses[head.id] = tf.reduce_mean(_divergence(taught, logits))
                else:
                    logits = network.heads[head.id](dropped)
                    losses[head.id] = self._mixed_loss(logits, targets[head.id], permutation, share)
            total = tf.add_n([h.loss_weight * losses[h.id] for h in self._recipe.heads])
            if copies is not None:
                losses["consistency"] = self._disagreement(embedding, copies)
                total += consistency * losses["consistency"]
        gradients = tape.gradient(total, backbone_variables + network.head_variables)
        count = len(backbone_variables)
        self._backbone_optimizer.apply_gradients(
            zip(gradients[:count], backbone_variables, strict=True)
        )
        self._head_optimizer.apply_gradients(
            zip(gradients[count:], network.head_variables, strict=True)
        )
        return losses

    def _disagreement(self, embedding: Any, copies: Any) -> Any:
        """How far the answers for degraded copies are from those for the photos themselves."""
        network = self._network
        count = tf.shape(copies)[0]
        of_copies = network.backbone(tf.cast(copies, tf.float32) / 127.5 - 1.0, training=False)
        losses = []
        for head_id in self._targets:
            # The labels among themselves: what is said of photos of another world counts too.
            labels = len(self._data.label_sets[head_id])
            whole = network.heads[head_id](embedding[:count])[:, :labels]
            copy = network.heads[head_id](of_copies)[:, :labels]
            there = _divergence(tf.stop_gradient(tf.nn.softmax(whole)), copy)
            back = _divergence(tf.stop_gradient(tf.nn.softmax(copy)), whole)
            losses.append(tf.reduce_mean(there + back))
        return tf.add_n(losses)

    def _mixed_loss(self, logits: Any, target: Any, permutation: Any, share: Any) -> Any:
        own = _head_loss(logits, target, self._recipe.label_smoothing)
        other_target = [tf.gather(part, permutation) for part in target]
        other = _head_loss(logits, other_target, self._recipe.label_smoothing)
        return share * own + (1.0 - share) * other

    def _validation_accuracies(self, side: int) -> dict[str, float]:
        """Share of validation photos whose first label is right, per head, on running weights."""
        indices = self._data.split.indices(self._data.examples, Part.VALIDATION)
        embeddings = embed_float(
            self._network.backbone, [self._data.examples[i] for i in indices], side
        )
        accuracies = {}
        for head in self._recipe.heads:
            if head.id in self._targets:
                accuracies[f"val_{head.id}"] = round(
                    self._accuracy(head, embeddings, indices, self._targets[head.id]), 4
                )
        return accuracies

    def _accuracy(
        self,
        head: HeadRecipe,
        embeddings: FloatArray,
        indices: npt.NDArray[np.intp],
        targets: HeadTargets,
    ) -> float:
        sources = {s.id for s in self._recipe.sources if s.head == head.id}
        own = np.array([self._data.examples[i].source in sources for i in indices])
        kernel, bias = self._network.heads[head.id].get_weights()
        logits = (embeddings[own] @ kernel + bias)[:, : len(self._data.label_sets[head.id])]
        wanted = targets.allowed[indices[own]].argmax(axis=1)
        return float((logits.argmax(axis=1) == wanted).mean())


def _divergence(taught: Any, logits: Any) -> Any:
    """Kullback-Leibler divergence of each row's answer from what the teacher says."""
    log_taught = tf.math.log(tf.maximum(taught, 1e-9))
    return tf.reduce_sum(taught * (log_taught - tf.nn.log_softmax(logits)), axis=1)


def _head_loss(logits: Any, target: Any, smoothing: float) -> Any:
    """Cross-entropy to a distribution, or −log of the probability of a set of answers.

    target: allowed, sets and weight, as in `HeadTargets`.
    """
    allowed, sets, weight = target
    log_probabilities = tf.nn.log_softmax(logits)
    to_distribution = -tf.reduce_sum(allowed * log_probabilities, axis=1)
    smooth = -tf.reduce_mean(log_probabilities, axis=1)
    to_distribution = (1.0 - smoothing) * to_distribution + smoothing * smooth
    outside_set = tf.where(allowed > 0, 0.0, -1e9)
    to_set = -tf.reduce_logsumexp(log_probabilities + outside_set, axis=1)
    # Divided by the batch, not by the weights: a batch with few photos of a head teaches it less.
    return tf.reduce_mean(weight * tf.where(sets, to_set, to_distribution))

"""The training loop: batches, steps, epochs; checkpointed every epoch, resumable."""

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

import cv2
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from scene_model.classifier.fitting.random_views import degraded_copy, random_view
from scene_model.classifier.fitting.splits import Part
from scene_model.photos.decode import Pixels
from training.architectures import FloatArray
from training.data import HeadTargets, head_targets
from training.frozen_features import FrozenFeatures
from training.labelled import LabelledData
from training.losses import divergence, head_losses
from training.network import DISTILLED_HEAD, Network, embed_float
from training.recipe import HeadRecipe, Recipe, Stage

_WARMUP_SHARE = 0.1
# The published weights are a running average over the last tenth of the steps.
_MAX_EMA_MOMENTUM = 0.998
_EMA_SHARE = 0.1
_DROPOUT = 0.2
_WORKERS = 2


@dataclass(frozen=True)
class Batch:
    """One step's input: what the learning part sees, and what it should answer.

    seen: shape (N, …), pixels in [-1, 1] or the frozen part's output for them.
    taught: logits of the network that ``objects`` learns from, shape (N, 1000), or None.
    partner: shape (N,), the photo that each one is mixed with; share: (N,), its own part.
    targets: by head, see `HeadTargets`. copies: degraded copies of the first photos, or None.
    """

    seen: FloatArray
    taught: FloatArray | None
    partner: npt.NDArray[np.int32]
    share: FloatArray
    targets: dict[str, tuple[npt.NDArray[Any], ...]]
    copies: FloatArray | None


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
        self._backbone_optimizer.build(network.upper.trainable_variables)
        self._head_optimizer.build(network.head_variables)
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._eyes: dict[int, FrozenFeatures] = {}

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
            ema_momentum=min(_MAX_EMA_MOMENTUM, 1 - 1 / max(1.0, _EMA_SHARE * self._total_steps)),
        )

    def run(self, out_dir: Path) -> None:
        """Run all epochs that are not done yet; the averaged weights end up in the network."""
        network = self._network
        epochs_done = tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(
            backbone=network.backbone,
            backbone_optimizer=self._backbone_optimizer,
            head_optimizer=self._head_optimizer,
            epochs_done=epochs_done,
            **network.heads,
        )
        recipe_hash = hashlib.sha256(self._recipe.model_dump_json().encode()).hexdigest()[:12]
        manager = tf.train.CheckpointManager(
            checkpoint, str(out_dir / f"checkpoints-{recipe_hash}"), max_to_keep=2
        )
        history_file = out_dir / "history.json"
        history: list[dict[str, float]] = []
        if manager.restore_or_initialize():
            # A kill between the two leaves a history that is one epoch ahead.
            history = json.loads(history_file.read_text(encoding="utf-8"))[: int(epochs_done)]
            print(f"going on after epoch {len(history)}")
        sizes = [(s, e) for s in self._recipe.stages for e in range(s.epochs)]
        for epoch in range(len(history), len(sizes)):
            stage, _ = sizes[epoch]
            record = self._epoch(epoch, stage)
            record.update(self._validation_accuracies(stage.input_size))
            history.append(record)
            print(json.dumps(record), flush=True)
            history_file.write_text(json.dumps(history, indent=1), encoding="utf-8")
            epochs_done.assign(epoch + 1)
            manager.save()
        if not sizes:
            return
        self._backbone_optimizer.finalize_variable_values(network.upper.trainable_variables)
        self._head_optimizer.finalize_variable_values(network.head_variables)

    def _epoch(self, epoch: int, stage: Stage) -> dict[str, float]:
        started, losses, photos = time.perf_counter(), [], 0
        for step, batch in enumerate(self._batches(epoch, stage)):
            found = self._step(
                batch.seen,
                batch.taught,
                batch.partner,
                batch.share,
                batch.targets,
                batch.copies,
                consistency=stage.consistency,
                int8_aware=stage.int8_aware,
            )
            losses.append({k: float(v) for k, v in found.items()})
            photos += len(batch.seen)
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

    def _batches(self, epoch: int, stage: Stage) -> Iterator[Batch]:
        """Yield an epoch's batches with augmentation and the frozen networks running ahead."""
        rng = np.random.default_rng([self._recipe.seed, epoch])
        order = rng.permutation(self._epoch_indices)
        if stage.input_size not in self._eyes:
            self._eyes[stage.input_size] = FrozenFeatures(
                self._recipe, self._data, self._network, stage.input_size
            )
        eye = self._eyes[stage.input_size]
        ahead: queue.Queue[Batch | None | Exception] = queue.Queue(maxsize=6)

        def produce() -> None:
            try:
                with ThreadPoolExecutor(_WORKERS) as pool:
                    for start in range(0, len(order), stage.batch_size):
                        chosen = order[start : start + stage.batch_size]
                        ahead.put(self._batch(chosen, stage, eye, pool, rng))
                ahead.put(None)
            except Exception as error:  # Raised again where the batches are read.
                ahead.put(error)

        threading.Thread(target=produce, daemon=True).start()
        while (batch := ahead.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            yield batch

    def _batch(
        self,
        chosen: npt.NDArray[np.intp],
        stage: Stage,
        eye: FrozenFeatures,
        pool: ThreadPoolExecutor,
        rng: np.random.Generator,
    ) -> Batch:
        count, alpha = len(chosen), self._recipe.mixup_alpha
        seeds = rng.integers(0, 2**63, count)
        views = list(
            pool.map(
                lambda pair: random_view(
                    self._data.examples[pair[0]].pixels,
                    stage.input_size,
                    np.random.default_rng(pair[1]),
                ),
                zip(chosen, seeds, strict=True),
            )
        )
        share = np.ones(count, np.float32)
        if alpha > 0:
            drawn = rng.beta(alpha, alpha, count)
            share = np.maximum(drawn, 1 - drawn).astype(np.float32)
        partner = rng.permutation(count).astype(np.int32)
        mixed = [
            _mixed(view, views[p], float(s))
            for view, s, p in zip(views, share, partner, strict=True)
        ]
        taught = [logits for logits in pool.map(eye.teach, mixed) if logits is not None]
        copies = None
        if stage.consistency:
            degraded = [degraded_copy(view, rng) for view in mixed[: count // 2]]
            copies = np.stack(list(pool.map(eye.see, degraded)))
        return Batch(
            seen=np.stack(list(pool.map(eye.see, mixed))),
            taught=np.stack(taught) if taught else None,
            partner=partner,
            share=share,
            targets={
                head_id: (t.allowed[chosen], t.sets[chosen], t.weight[chosen])
                for head_id, t in self._targets.items()
            },
            copies=copies,
        )

    def _train_step(
        self,
        seen: Any,
        taught: Any,
        partner: Any,
        share: Any,
        targets: dict[str, Any],
        copies: Any,
        *,
        consistency: float,
        int8_aware: bool,
    ) -> dict[str, Any]:
        network = self._network
        variables = network.upper.trainable_variables
        with tf.GradientTape() as tape:
            embedding = network.upper(seen, training=int8_aware)
            dropped = tf.nn.dropout(embedding, _DROPOUT)
            losses = {}
            for head in self._recipe.heads:
                if head.id == DISTILLED_HEAD:
                    logits = network.heads[head.id](embedding)
                    losses[head.id] = tf.reduce_mean(divergence(tf.nn.softmax(taught), logits))
                else:
                    logits = network.heads[head.id](dropped)
                    losses[head.id] = self._mixed_loss(logits, targets[head.id], partner, share)
            total = tf.add_n([h.loss_weight * losses[h.id] for h in self._recipe.heads])
            if copies is not None:
                of_copies = network.upper(copies, training=int8_aware)
                losses["consistency"] = self._disagreement(embedding, of_copies)
                total += consistency * losses["consistency"]
        gradients = tape.gradient(total, variables + network.head_variables)
        count = len(variables)
        self._backbone_optimizer.apply_gradients(zip(gradients[:count], variables, strict=True))
        self._head_optimizer.apply_gradients(
            zip(gradients[count:], network.head_variables, strict=True)
        )
        return losses

    def _disagreement(self, embedding: Any, of_copies: Any) -> Any:
        """How far the answers for degraded copies are from those for the photos themselves."""
        network = self._network
        count = tf.shape(of_copies)[0]
        losses = []
        for head_id in self._targets:
            # The labels among themselves: what is said of photos of another world counts too.
            labels = len(self._data.label_sets[head_id])
            whole = network.heads[head_id](embedding[:count])[:, :labels]
            copy = network.heads[head_id](of_copies)[:, :labels]
            there = divergence(tf.stop_gradient(tf.nn.softmax(whole)), copy)
            back = divergence(tf.stop_gradient(tf.nn.softmax(copy)), whole)
            losses.append(tf.reduce_mean(there + back))
        return tf.add_n(losses)

    def _mixed_loss(self, logits: Any, target: Any, partner: Any, share: Any) -> Any:
        own = head_losses(logits, target, self._recipe.label_smoothing)
        other_target = [tf.gather(part, partner) for part in target]
        other = head_losses(logits, other_target, self._recipe.label_smoothing)
        # Divided by the batch, not by the weights: a batch with few photos of a head teaches
        # it less.
        return tf.reduce_mean(share * own + (1.0 - share) * other)

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


def _mixed(view: Pixels, partner: Pixels, share: float) -> Pixels:
    """Lay a photo over another one (Zhang et al. 2018)."""
    if share == 1.0:
        return view
    return cv2.addWeighted(view, share, partner, 1.0 - share, 0.0)  # type: ignore[return-value]

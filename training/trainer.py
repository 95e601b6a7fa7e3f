"""The training loop; writes a checkpoint after every epoch and resumes from it."""

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
from scene_model.photos.colours import Pixels
from training.architectures import FloatArray
from training.data import HeadTargets, head_targets
from training.frozen_features import FrozenFeatures
from training.labelled import LabelledData
from training.losses import divergence, head_losses
from training.network import Network, embed_float
from training.recipe import HeadRecipe, Recipe, Stage

_WARMUP_SHARE = 0.1
# The published weights are an exponential moving average over about the last tenth of the steps.
_MAX_EMA_MOMENTUM = 0.998
_EMA_SHARE = 0.1
_DROPOUT = 0.2
_WORKERS = 2


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of one training step.

    inputs: shape (N, …), pixels in [-1, 1] or the frozen part's output for them.
    teacher_logits: by distilled head, its teacher's logits, shape (N, labels).
    partner: shape (N,), index of the photo that each photo is mixed with (mixup); share: (N,),
        weight of the photo itself.
    targets: by head, see `HeadTargets`. copies: inputs of degraded copies of the first N // 2
        photos, or None.
    """

    inputs: FloatArray
    teacher_logits: dict[str, FloatArray]
    partner: npt.NDArray[np.int32]
    share: FloatArray
    targets: dict[str, tuple[npt.NDArray[Any], ...]]
    copies: FloatArray | None


class Trainer:
    """Trains a network on the training photos, by the stages of a recipe."""

    def __init__(self, recipe: Recipe, data: LabelledData, network: Network) -> None:
        self._recipe, self._data, self._network = recipe, data, network
        self._targets = {
            head.id: head_targets(data.examples, head, data.label_sets[head.id], recipe)
            for head in recipe.heads
            if head.id not in network.teachers
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
        self._frozen_features: dict[int, FrozenFeatures] = {}

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
        """Run the remaining epochs; the network then has the averaged weights."""
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
            # After a kill between writing the history and the checkpoint, the history has one
            # epoch too many.
            history = json.loads(history_file.read_text(encoding="utf-8"))[: int(epochs_done)]
            print(f"resuming after epoch {len(history)}")
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
            step_losses = self._step(
                batch.inputs,
                batch.teacher_logits,
                batch.partner,
                batch.share,
                batch.targets,
                batch.copies,
                consistency=stage.consistency,
                int8_aware=stage.int8_aware,
            )
            losses.append({k: float(v) for k, v in step_losses.items()})
            photos += len(batch.inputs)
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
        """Yield an epoch's batches; a thread prepares up to six of them in advance."""
        rng = np.random.default_rng([self._recipe.seed, epoch])
        order = rng.permutation(self._epoch_indices)
        if stage.input_size not in self._frozen_features:
            self._frozen_features[stage.input_size] = FrozenFeatures(
                self._recipe, self._data, self._network, stage.input_size
            )
        frozen_features = self._frozen_features[stage.input_size]
        prepared: queue.Queue[Batch | None | Exception] = queue.Queue(maxsize=6)

        def produce() -> None:
            try:
                with ThreadPoolExecutor(_WORKERS) as pool:
                    for start in range(0, len(order), stage.batch_size):
                        chosen = order[start : start + stage.batch_size]
                        prepared.put(self._batch(chosen, stage, frozen_features, pool, rng))
                prepared.put(None)
            except Exception as error:  # Re-raised by the consumer.
                prepared.put(error)

        threading.Thread(target=produce, daemon=True).start()
        while (batch := prepared.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            yield batch

    def _batch(
        self,
        chosen: npt.NDArray[np.intp],
        stage: Stage,
        frozen_features: FrozenFeatures,
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
        logits = list(pool.map(frozen_features.teacher_logits, mixed))
        copies = None
        if stage.consistency:
            degraded = [degraded_copy(view, rng) for view in mixed[: count // 2]]
            copies = np.stack(list(pool.map(frozen_features.features, degraded)))
        return Batch(
            inputs=np.stack(list(pool.map(frozen_features.features, mixed))),
            teacher_logits={
                head_id: np.stack([of_photo[head_id] for of_photo in logits])
                for head_id in logits[0]
            },
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
        inputs: Any,
        teacher_logits: dict[str, Any],
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
            embedding = network.upper(inputs, training=int8_aware)
            dropped = tf.nn.dropout(embedding, _DROPOUT)
            losses = {}
            for head in self._recipe.heads:
                if head.id in teacher_logits:
                    logits = network.heads[head.id](embedding)
                    target = tf.nn.softmax(teacher_logits[head.id])
                    losses[head.id] = tf.reduce_mean(divergence(target, logits))
                else:
                    logits = network.heads[head.id](dropped)
                    losses[head.id] = self._mixed_loss(logits, targets[head.id], partner, share)
            total = tf.add_n([h.loss_weight * losses[h.id] for h in self._recipe.heads])
            if copies is not None:
                copy_embedding = network.upper(copies, training=int8_aware)
                losses["consistency"] = self._consistency_loss(embedding, copy_embedding)
                total += consistency * losses["consistency"]
        gradients = tape.gradient(total, variables + network.head_variables)
        count = len(variables)
        self._backbone_optimizer.apply_gradients(zip(gradients[:count], variables, strict=True))
        self._head_optimizer.apply_gradients(
            zip(gradients[count:], network.head_variables, strict=True)
        )
        return losses

    def _consistency_loss(self, embedding: Any, copy_embedding: Any) -> Any:
        """Symmetric divergence between the predictions for photos and their degraded copies."""
        network = self._network
        count = tf.shape(copy_embedding)[0]
        losses = []
        for head_id in self._targets:
            # Only the labels, without the outside output: out-of-scope photos count as well.
            labels = len(self._data.label_sets[head_id])
            original = network.heads[head_id](embedding[:count])[:, :labels]
            copy = network.heads[head_id](copy_embedding)[:, :labels]
            copy_loss = divergence(tf.stop_gradient(tf.nn.softmax(original)), copy)
            original_loss = divergence(tf.stop_gradient(tf.nn.softmax(copy)), original)
            losses.append(tf.reduce_mean(copy_loss + original_loss))
        return tf.add_n(losses)

    def _mixed_loss(self, logits: Any, target: Any, partner: Any, share: Any) -> Any:
        own_losses = head_losses(logits, target, self._recipe.label_smoothing)
        partner_target = [tf.gather(part, partner) for part in target]
        partner_losses = head_losses(logits, partner_target, self._recipe.label_smoothing)
        # The mean is over the batch, not over the weights, so that a batch with few photos of a
        # head changes it less.
        return tf.reduce_mean(share * own_losses + (1.0 - share) * partner_losses)

    def _validation_accuracies(self, side: int) -> dict[str, float]:
        """Top-1 accuracy on the validation photos by head (0 to 1), with the current weights."""
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
        true = targets.allowed[indices[own]].argmax(axis=1)
        return float((logits.argmax(axis=1) == true).mean())


def _mixed(view: Pixels, partner: Pixels, share: float) -> Pixels:
    """Mix two photos (mixup, Zhang et al. 2018)."""
    if share == 1.0:
        return view
    return cv2.addWeighted(view, share, partner, 1.0 - share, 0.0)  # type: ignore[return-value]

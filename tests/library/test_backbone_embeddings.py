"""Embeddings by a further network, beside the photos' own ones."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from scene_model.errors import EmbeddingMissing
from scene_model.library.backbone_embeddings import (
    Network,
    embedding_by,
    network_state,
    photos_without,
    remove_embeddings,
    write_embeddings,
)
from scene_model.library.embedding_scan import embeddings_of, scan_embeddings
from scene_model.library.schema import backbone_embeddings, free_slots, photos
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash
from scene_model.library.edits import remove
from scene_model.maintenance.verify import verify
from tests.library.rows import photo_row

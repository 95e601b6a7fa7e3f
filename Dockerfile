# The serving image: pages and REST API, without TensorFlow. How to run it: docs/deploy.md.
FROM python:3.13.14-slim AS packages
WORKDIR /app
COPY requirements-serving.txt ./
# Only what serving and signing in need, each file checked against its hash.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-serving.txt

FROM python:3.13.14-slim
RUN useradd --uid 10001 --create-home scene && install -d -o scene -g scene /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY LICENSE README.md pyproject.toml app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY scene_model scene_model
COPY models models
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    SCENE_LIBRARY=/data \
    SCENE_BUNDLES=/data/models \
    SCENE_VISITORS=/data/visitors
USER scene
VOLUME /data
EXPOSE 8501
# At the port the server listens on. 127.0.0.1 has to stay in SCENE_ALLOWED_HOSTS for this.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"SCENE_PORT\") or 8501}/api/health', timeout=8)"]
STOPSIGNAL SIGINT
CMD ["python", "-m", "scene_model", "serve", "--host", "0.0.0.0"]

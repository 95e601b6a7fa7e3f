"""What the image is made of is there, and lets nothing heavy or private in."""

import re

from scene_model.config import ENVIRONMENT_PREFIX, PROJECT_DIR, Settings

# Of the composition itself, for the proxy; the app never sees them.
PROXY_VARIABLES = {"SCENE_DOMAIN"}


def text(name: str) -> str:
    return (PROJECT_DIR / name).read_text(encoding="utf-8")


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", text("Dockerfile"), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT_DIR / source).exists(), source
            assert any(name == source or name.startswith(f"{source}/") for name in let_through)


def test_the_image_needs_no_training_and_no_rights() -> None:
    steps = text("Dockerfile")
    assert "requirements.txt" not in steps  # it names TensorFlow
    assert "--require-hashes -r requirements-serving.txt" in steps
    assert re.search(r"^USER (?!root)", steps, re.MULTILINE)


def test_variables_are_settings() -> None:
    names = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields}
    pages = [f"docs/{page.name}" for page in (PROJECT_DIR / "docs").glob("*.md")]
    for name in ("Dockerfile", "compose.yaml", "render.yaml", "README.md", *pages):
        used = set(re.findall(r"SCENE_[A-Z_]+", text(name))) - PROXY_VARIABLES - {"SCENE_URL"}
        assert used <= names, (name, used - names)


def test_secrets_stay_out_of_the_image_and_the_repository() -> None:
    ignored = text(".dockerignore").splitlines()
    assert ignored.index(".streamlit/secrets.toml") > ignored.index("!.streamlit")
    assert "/.streamlit/secrets.toml" in text(".gitignore").splitlines()

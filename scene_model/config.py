"""Settings, read once from the environment (prefix ``SCENE_``) at an entry point.

Nothing else in the project reads the environment.
"""

import difflib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scene_model.errors import InvalidSetting, NotForVisitors

ENVIRONMENT_PREFIX = "SCENE_"
MAX_WORKERS = 64
_PACKAGE_DIR = Path(__file__).resolve().parent
PROJECT_DIR = _PACKAGE_DIR.parent
DEFAULT_ALBUMS_FILE = _PACKAGE_DIR / "classifier" / "albums" / "albums.toml"
# An installed package holds the pages and the default bundle; in a checkout they lie beside it.
IS_CHECKOUT = not (_PACKAGE_DIR / "_site").is_dir()
SITE_DIR = PROJECT_DIR if IS_CHECKOUT else _PACKAGE_DIR / "_site"
DEFAULT_BUNDLE_DIR = (
    PROJECT_DIR / "models" if IS_CHECKOUT else _PACKAGE_DIR / "_models"
) / "scene_mobilenet_v2"

logger = logging.getLogger(__name__)


def _default_library_dir() -> Path:
    return platformdirs.user_data_path("scene-gallery", appauthor=False) / "library"


def _default_visitors_dir() -> Path:
    return platformdirs.user_data_path("scene-gallery", appauthor=False) / "visitors"


def _default_sorts_dir() -> Path:
    return platformdirs.user_data_path("scene-gallery", appauthor=False) / "sorts"


def _default_bundles_dir() -> Path:
    if IS_CHECKOUT:
        return DEFAULT_BUNDLE_DIR.parent
    # Never into site-packages: an update would remove what lies there.
    return platformdirs.user_data_path("scene-gallery", appauthor=False) / "models"


class Settings(BaseSettings):
    """All settings; each field is the variable ``SCENE_`` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="ignore")

    library: Path = Field(
        default_factory=_default_library_dir,
        description="Folder of the library: originals, thumbnails, tags.",
    )
    bundle: Path = Field(
        default_factory=lambda: DEFAULT_BUNDLE_DIR,
        description="Folder of the model bundle to tag with.",
    )
    bundles: Path = Field(
        default_factory=_default_bundles_dir,
        description="Folder of your own model bundles: `fit` publishes there, and the page Model "
        "offers them beside the default one.",
    )
    model_hub: str = Field(
        default="https://huggingface.co",
        description="Where `models add ORG/NAME` asks for models: a server with the API of Hugging "
        "Face, such as a mirror. https; http for this computer alone.",
    )
    max_model_bytes: int = Field(
        default=2_000_000_000,
        ge=1,
        le=2_000_000_000,
        description="Largest network that `models add` takes, in bytes.",
    )
    sorts: Path = Field(
        default_factory=_default_sorts_dir,
        description="Folder of the journals of sorts to object stores from this computer; only "
        "with these do `undo` and `resume` restore files without `--source`.",
    )
    albums: Path = Field(
        default=DEFAULT_ALBUMS_FILE,
        description="Rules of the albums; copy the file and edit it. Without it, the page Albums "
        "edits the rules of the library.",
    )
    database_copies: int = Field(
        default=7,
        ge=0,
        description="Automatic copies of the library's database to keep; one is made on each day "
        "that changes it. 0: none.",
    )
    backup_passphrase: SecretStr = Field(
        default=SecretStr(""),
        description="Passphrase of encrypted backups; empty: `library backup --encrypt` and "
        "`library restore` ask for it.",
    )
    mode: Literal["personal", "shared"] = Field(
        default="personal",
        description="`personal`: one library, yours. `shared`: every visitor has a private one.",
    )
    visitors: Path = Field(
        default_factory=_default_visitors_dir,
        description="Shared: folder of the visitors' libraries and of the server's secret.",
    )
    server_name: str = Field(
        default="",
        pattern="^[a-z0-9-]{0,32}$",
        description="Shared, one server of several: its name, with which the cookies, tokens and "
        "phone codes that it hands out begin, so that a proxy can send each visitor to the server "
        "with the library. Letters a to z, digits and `-`.",
    )
    visitor_hours: float = Field(
        default=24.0,
        gt=0,
        description="Shared: after how many hours without a visit a library is removed.",
    )
    visitor_max_photos: int = Field(
        default=5_000, ge=1, description="Shared: photos that one visitor may store."
    )
    visitor_max_bytes: int = Field(
        default=10_000_000_000, ge=1, description="Shared: bytes that one visitor may store."
    )
    server_max_bytes: int = Field(
        default=100_000_000_000, ge=1, description="Shared: bytes that all visitors may store."
    )
    max_open_libraries: int = Field(
        default=64,
        ge=1,
        description="Shared: visitors' libraries that are open at a time; fewer where the system "
        "allows fewer open files. The one used least recently is closed, and opened when needed.",
    )
    library_idle_s: float = Field(
        default=900.0,
        gt=0,
        description="Shared: after how many seconds without a request a library is closed.",
    )
    max_new_visitors_per_hour: int = Field(
        default=100,
        ge=0,
        description="Shared: new visitors from one address in an hour; more get 429. 0: no limit.",
    )
    max_sockets: int = Field(
        default=300,
        ge=1,
        description="Shared: open pages (WebSockets) at a time. Above that, the page idle longest "
        "is disconnected; its browser connects again.",
    )
    max_sockets_per_address: int = Field(
        default=50, ge=1, description="Shared: open pages (WebSockets) from one address."
    )
    socket_idle_s: float = Field(
        default=3600.0,
        gt=0,
        description="Shared: after how many seconds without a click a page is disconnected.",
    )
    log_lines_per_minute: int = Field(
        default=120,
        ge=1,
        description="Most lines that the server logs in a minute; of one kind a tenth of them.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port the server listens on.")
    phone_port: int = Field(
        default=8502,
        ge=0,
        le=65535,
        description="Port of the upload page for phones and of the WebDAV inbox, open only while a "
        "phone's code or an inbox is in use. Where it is taken, or 0: any free one.",
    )
    phone_max_files: int = Field(
        default=20_000, ge=1, description="Files that one code for a phone accepts."
    )
    phone_max_bytes: int = Field(
        default=200_000_000_000, ge=1, description="Bytes that one code for a phone accepts."
    )
    allowed_hosts: str = Field(
        default="localhost,127.0.0.1,[::1]",
        description="Host names under which the server may be addressed, comma separated.",
    )
    api_tokens: str = Field(
        default="",
        description="Tokens: `NAME:HASH`, comma separated, as `python -m scene_model token NAME` "
        "prints them. With one library, every request then needs one.",
    )
    trust_loopback: bool = Field(
        default=False,
        description="`true`: requests from this computer need no token, also when there are "
        "tokens. Never behind a reverse proxy on this computer.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of your reverse proxies, comma separated. Only their "
        "`X-Forwarded-For` and `X-Forwarded-Proto` count.",
    )
    api_cors_origins: str = Field(
        default="",
        description="Origins whose pages may use the REST API, comma separated; none by default.",
    )
    api_rate_per_minute: int = Field(
        default=0, ge=0, description="REST requests a minute per client; more get 429. 0: no limit."
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=MAX_WORKERS,
        description="Photos that are classified at the same time; REST decodes one more.",
    )
    max_file_bytes: int = Field(
        default=200_000_000, ge=1, description="Largest picture's file that is read, in bytes."
    )
    max_video_bytes: int = Field(
        default=10_000_000_000, ge=1, description="Largest video that is read, in bytes."
    )
    max_pixels: int = Field(
        default=100_000_000, ge=1, description="Largest picture that is decoded, in pixels."
    )
    max_decoding_bytes: int = Field(
        default_factory=lambda: max(640_000_000, 256_000_000 * (os.cpu_count() or 1)),
        ge=1,
        description="Memory for decoding one picture, and for all those at the same time that "
        "take more than 100 MB each, in bytes.",
    )
    max_decoding_s: float = Field(
        default=30.0, gt=0, description="Longest time for decoding a picture, in seconds."
    )
    fetch_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Longest wait for the next bytes of an object store or a web server, in "
        "seconds. `batch`: after three of them the picture is a row with an error.",
    )
    max_batch_files: int = Field(
        default=20_000, ge=1, description="Most files in one request to `/api/predict/batch`."
    )
    max_batch_bytes: int = Field(
        default=20_000_000_000,
        ge=1,
        description="Most bytes in one request to `/api/predict/batch`.",
    )
    max_images: int = Field(
        default=100, ge=1, description="Most images in one request to `/api/classify`."
    )
    max_json_bytes: int = Field(
        default=64_000_000, ge=1, description="Largest JSON request that is read, in bytes."
    )
    max_waiting: int = Field(
        default=256,
        ge=0,
        description="Photos of single requests that may wait for a worker; more get 429.",
    )
    max_batches: int = Field(
        default=32,
        ge=1,
        description="Batches that are received or classified at the same time; more get 429.",
    )
    batch_lifetime_s: int = Field(
        default=3600, ge=1, description="How long a batch and its ZIP can be fetched, in seconds."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Build the settings; unknown ``SCENE_`` variables get a warning in the log.

        Raises InvalidSetting, which names the variable, its value and the rule it breaks.
        """
        for line in unknown_variables(os.environ if environment is None else environment):
            logger.warning(line)
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = ENVIRONMENT_PREFIX + str(first["loc"][0]).upper()
            raise InvalidSetting(
                f"{name} is {first['input']!r}, which cannot be used: {first['msg']}. "
                "Change it or unset it."
            ) from error

    def keep_for_children(self) -> None:
        """Write the settings back to the environment, paths absolute.

        For a server that changes its folder before it reads the settings again.
        """
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                continue  # it stays in the environment as it is there
            text = str(value.absolute()) if isinstance(value, Path) else str(value)
            os.environ[ENVIRONMENT_PREFIX + name.upper()] = text

    @property
    def is_shared(self) -> bool:
        """Tell whether every visitor has a library of their own."""
        return self.mode == "shared"

    @property
    def server_prefix(self) -> str:
        """What cookies, tokens and phone codes begin with; empty for a server without a name."""
        return f"{self.server_name}." if self.server_name else ""

    def require_personal(self, action: str) -> None:
        """Raise NotForVisitors on a shared server; action: what its visitors cannot do."""
        if self.is_shared:
            raise NotForVisitors(
                f"Visitors of a shared server cannot {action}; only the operator of the server can."
            )

    @property
    def names_a_bundle(self) -> bool:
        """Tell whether a bundle was asked for by name: one that is not the program's own."""
        return self.bundle.resolve() != DEFAULT_BUNDLE_DIR.resolve()

    @property
    def names_album_rules(self) -> bool:
        """Tell whether a rule file of albums was named: one that is not the program's own."""
        return self.albums.resolve() != DEFAULT_ALBUMS_FILE.resolve()

    @property
    def bundle_folders(self) -> tuple[Path, ...]:
        """The folders whose bundles can be chosen: beside the bundle to use, one's own, shipped."""
        folders = (self.bundle.parent, self.bundles.expanduser(), DEFAULT_BUNDLE_DIR.parent)
        return tuple(dict.fromkeys(folder.absolute() for folder in folders))

    @property
    def allowed_host_names(self) -> frozenset[str]:
        """The host names of ``allowed_hosts``, lower case, without ports."""
        return _names(self.allowed_hosts)

    @property
    def api_cors_origin_names(self) -> frozenset[str]:
        """The origins of ``api_cors_origins``, lower case."""
        return frozenset(name.rstrip("/") for name in _names(self.api_cors_origins))


def _names(text: str) -> frozenset[str]:
    """Split a list that commas separate, in lower case."""
    return frozenset(filter(None, (name.strip().lower() for name in text.split(","))))


def set_for_library(variables: Mapping[str, str]) -> None:
    """Set what a library reads from the environment, here and in its processes.

    What is set already stays: the operator's choice counts.
    """
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a message for each unknown ``SCENE_`` variable, with the most similar valid name.

    And one for uvicorn's variable, which SCENE_TRUSTED_PROXIES replaces.
    """
    names = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields}
    lines = []
    for name in sorted(environment):
        if name.upper().startswith(ENVIRONMENT_PREFIX) and name.upper() not in names:
            nearest = difflib.get_close_matches(name.upper(), sorted(names), n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            lines.append(f"{name} is set, but no setting has that name.{hint}")
    if environment.get("FORWARDED_ALLOW_IPS"):
        lines.append(
            "FORWARDED_ALLOW_IPS is set, but `serve` does not read it; name your proxies in "
            "SCENE_TRUSTED_PROXIES."
        )
    return lines


def settings_table() -> str:
    """Render every setting as a Markdown table, for the documentation."""
    defaults = {
        "library": "the user's data folder",
        "visitors": "beside it",
        "bundle": "`models/scene_mobilenet_v2`",
        "bundles": "`models` of a checkout; installed: the user's data folder",
        "albums": "`scene_model/classifier/albums/albums.toml`",
        "workers": "number of cores",
        "max_decoding_bytes": "640 MB, or 256 MB a core if that is more",
    }
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = defaults.get(name, f"`{field.default}`")
        rows.append(f"| `{ENVIRONMENT_PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)

"""All errors that Scene Gallery raises, as one class hierarchy.

``error_tree`` draws it. Each class has a ``code`` (scripts match on it), an ``http_status``
(of the REST API) and an ``exit_code`` (of the command line). Errors that no caller tells apart
are one class: ``codes`` lists what they can be given where they are raised.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
EXIT_INTERRUPTED = 130

# From a path's first slash to the end of its last name; names before the last may have spaces.
_PATH = re.compile(r"""(?<![^\s('"])(?:/|[A-Za-z]:\\)(?:.*[/\\])?[^\s),;:'"]*""", re.DOTALL)


def without_paths(message: str) -> str:
    """Replace every file path in a message by an ellipsis."""
    return _PATH.sub("…", message)


class ErrorCode(NamedTuple):
    """What belongs to a code that an error is given where it is raised."""

    http_status: int
    meaning: str


class SceneError(Exception):
    """Root of the hierarchy; the message is shown to users."""

    code: str = "scene_error"
    http_status: int = 500
    exit_code: ClassVar[int] = EXIT_FAILED
    has_paths: ClassVar[bool] = False  # whether messages contain file paths
    codes: ClassVar[Mapping[str, ErrorCode]] = {}

    def __init__(self, message: str, code: str | None = None) -> None:
        """``code``: one of the class's ``codes``; default: the class's own."""
        super().__init__(message)
        if code is not None:
            self.code, self.http_status = code, self.codes[code].http_status

    @property
    def message(self) -> str:
        """What is wrong, the value, the limit, and what to do."""
        return str(self)

    @property
    def public_message(self) -> str:
        """The message without the server's file paths, for remote clients."""
        return without_paths(self.message) if self.has_paths else self.message


class PhotoError(SceneError):
    """One photo cannot be used; a batch reports it and continues with the others."""

    code = "photo_error"
    http_status = 422
    exit_code = EXIT_SOME_FAILED


class EmptyFile(PhotoError):
    """The file holds no bytes."""

    code = "empty_file"


class FileTooLarge(PhotoError):
    """The file has more bytes than ``SCENE_MAX_FILE_BYTES``, or ``SCENE_MAX_VIDEO_BYTES``."""

    code = "file_too_large"
    http_status = 413


class TooManyPixels(PhotoError):
    """The picture has more pixels than ``SCENE_MAX_PIXELS``."""

    code = "too_many_pixels"
    http_status = 413
    codes = {
        "too_much_memory": ErrorCode(413, "Decoding takes more than `SCENE_MAX_DECODING_BYTES`."),
    }


class ExtremeShape(PhotoError):
    """A side of the picture is too long, by itself or compared with the other."""

    code = "extreme_shape"


class DecodingStopped(PhotoError):
    """Decoding took longer than ``SCENE_MAX_DECODING_S``, or the decoder's process ended."""

    code = "decoding_stopped"


class NotAPicture(PhotoError):
    """The bytes are not a picture in a recognised format."""

    code = "not_a_picture"
    http_status = 415


class VideoFile(NotAPicture):
    """The bytes are a video where only pictures are read, or one of a kind that is not read."""

    code = "video_file"


class UnsupportedPicture(PhotoError):
    """The bytes are a picture of an unsupported kind: SVG, Photoshop, RAW of an unknown camera."""

    code = "unsupported_picture"
    http_status = 415


class UnsupportedColours(UnsupportedPicture):
    """The picture's colour mode cannot be converted to RGB."""

    code = "unsupported_colours"


class DamagedPhoto(PhotoError):
    """The picture's data is inconsistent."""

    code = "damaged_photo"
    codes = {
        "too_many_parts": ErrorCode(422, "The file has far more scans or segments than a photo."),
    }


class TruncatedPhoto(DamagedPhoto):
    """The file ends before the picture is complete."""

    code = "truncated_photo"


class UnreadableFile(PhotoError):
    """The operating system cannot read the file."""

    code = "unreadable_file"
    codes = {"file_changing": ErrorCode(409, "The file is being written while it is read.")}


class ArchiveError(PhotoError):
    """An archive, or a file in it, cannot be read."""

    code = "archive_unreadable"
    codes = {
        "archive_damaged": ErrorCode(422, "It is damaged or has not arrived whole."),
        "archive_encrypted": ErrorCode(422, "It needs a password."),
        "archive_grows": ErrorCode(422, "It would grow more than photos can: a ZIP bomb."),
        "archive_too_long": ErrorCode(422, "It has more files than the limit."),
        "archive_changed": ErrorCode(422, "It changed after it was listed."),
        "archive_nested": ErrorCode(422, "It is inside another archive and is not opened."),
        "part_missing": ErrorCode(422, "A part of an export in several parts has not come."),
    }


class FetchError(PhotoError):
    """An object store or a web server does not give a picture, tried three times."""

    code = "store_unavailable"
    http_status = 502
    codes = {
        "timed_out": ErrorCode(504, "It does not answer, or stalls."),
        "truncated": ErrorCode(502, "It sends fewer bytes than it announces."),
        "not_found": ErrorCode(404, "It has no such picture."),
        "access_denied": ErrorCode(403, "It does not allow the picture to be read."),
        "changed": ErrorCode(409, "It changed while it was read."),
        "not_listed": ErrorCode(404, "A web server lists no files at the address."),
        "invalid_url": ErrorCode(400, "The address cannot be read, or is of an unknown kind."),
    }


class BatchRowError(PhotoError):
    """A row of a batch cannot be added to the library, although its photo may be."""

    code = "changed_since_batch"
    http_status = 409
    codes = {
        "embedding_unusable": ErrorCode(422, "The row has no embedding, or a damaged one."),
    }


class UsageError(SceneError):
    """The request is wrong; repeating it does not help."""

    code = "wrong_usage"
    http_status = 400
    exit_code = EXIT_USAGE
    codes = {
        "missing_file": ErrorCode(422, "A request that needs a file came without one."),
        "invalid_images": ErrorCode(400, "The images of a `/classify` request are invalid."),
        "invalid_rating": ErrorCode(400, "A rating is not a whole number from 0 to 5."),
        "invalid_date": ErrorCode(400, "A date to set is no date."),
        "invalid_shift": ErrorCode(400, "Dates cannot be shifted that far."),
        "no_such_camera": ErrorCode(404, "There are no photos of the camera."),
        "too_few_to_stack": ErrorCode(400, "A stack needs at least two photos."),
        "passphrase_needed": ErrorCode(400, "An encrypted backup needs a passphrase; none came."),
        "references_unconfirmed": ErrorCode(409, "A backup refers to files outside the library."),
        "key_reused": ErrorCode(422, "An Idempotency-Key came again with a different request."),
        "foreign_request": ErrorCode(403, "The Origin is foreign, or the Host is not allowed."),
        "token_needed": ErrorCode(401, "A remote client sent no token, or an invalid one."),
        "too_many_files": ErrorCode(413, "More files were announced at once than are accepted."),
    }


class PathNotFound(UsageError):
    """A path named by the caller does not exist."""

    code = "path_not_found"
    http_status = 404


class FolderInaccessible(UsageError):
    """The operating system does not let a folder be read, or a new one be made."""

    code = "folder_inaccessible"


class FolderNotWatchable(UsageError):
    """A folder cannot be watched beside those that are, or because of what it is."""

    code = "folder_not_watchable"
    http_status = 409
    codes = {
        "folder_overlaps": ErrorCode(409, "The folder is inside a watched one, or around it."),
        "folder_in_library": ErrorCode(409, "The folder is a library, or inside one."),
        "folder_watched": ErrorCode(409, "Another process watches the folder for this library."),
    }


class UnusableFolders(UsageError):
    """No head can be trained on these class folders, or the name of the head is not allowed."""

    code = "unusable_folders"


class UnknownHead(UsageError):
    """The bundle has no head of that name."""

    code = "unknown_head"


class InvalidTag(UsageError):
    """A tag typed by a person is empty, too long or has forbidden characters."""

    code = "invalid_tag"


class QueryError(UsageError):
    """A search query cannot be read; ``position`` counts characters from 0."""

    code = "query_error"

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class InvalidSearchName(UsageError):
    """The name of a saved search is not allowed."""

    code = "invalid_search_name"


class SearchNameTaken(UsageError):
    """Another saved search already has that name."""

    code = "search_name_taken"
    http_status = 409


class InvalidAlbum(UsageError):
    """The name of an album is not allowed, or the search that it follows."""

    code = "invalid_album"


class AlbumNameTaken(UsageError):
    """Another of a person's albums already has that name."""

    code = "album_name_taken"
    http_status = 409


class InvalidTrip(UsageError):
    """The title of a trip is not allowed, or trips cannot be changed in this way."""

    code = "invalid_trip"


class TripTitleTaken(UsageError):
    """Another trip already has that title."""

    code = "trip_title_taken"
    http_status = 409


class InvalidRule(UsageError):
    """A standing rule is incomplete, or was changed since its dry run."""

    code = "invalid_rule"


class RuleNameTaken(UsageError):
    """Another standing rule already has that name."""

    code = "rule_name_taken"
    http_status = 409


class InvalidSetting(UsageError):
    """A ``SCENE_`` environment variable has a value that cannot be used."""

    code = "invalid_setting"


class InvalidAlbumRules(InvalidSetting):
    """The rules of the albums cannot be used; ``line`` counts from 1, None for the whole text."""

    code = "invalid_album_rules"

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class NoSearchEmbeddings(UsageError):
    """No search model that needs embeddings of its own is in use."""

    code = "no_search_embeddings"
    http_status = 409


class TooFewExamples(UsageError):
    """Too few photos were given to train on."""

    code = "too_few_examples"


class TargetExists(UsageError):
    """The target file or folder already exists; nothing is ever overwritten."""

    code = "target_exists"
    http_status = 409


class InvalidLayout(UsageError):
    """The path template for sorted files is invalid."""

    code = "invalid_layout"


class FolderRefused(UsageError):
    """Photos cannot be sorted into this folder."""

    code = "folder_refused"


class NothingSorted(UsageError):
    """The folder has no journal of a sort, so there is nothing to undo or resume."""

    code = "nothing_sorted"
    http_status = 404


class BatchError(UsageError):
    """A batch cannot be run into this output, or its output cannot be read."""

    code = "batch_unusable"
    http_status = 422
    has_paths = True
    codes = {
        "batch_differs": ErrorCode(409, "The output holds a batch of another model or source."),
        "batch_running": ErrorCode(409, "Another process runs a batch into the output."),
        "batch_without_embeddings": ErrorCode(422, "The batch was written without embeddings."),
        "batch_missing": ErrorCode(404, "The folder or URL holds no batch."),
        "batch_damaged": ErrorCode(422, "The manifest or a part of the batch is damaged."),
        "package_missing": ErrorCode(501, "A package that the batch needs is not installed."),
        "list_unreadable": ErrorCode(422, "The list of pictures cannot be read."),
        "no_pictures": ErrorCode(404, "The source has no pictures."),
    }


class ModelRefused(UsageError):
    """A network cannot be added as a model: incomplete, damaged, unsafe, or of another kind."""

    code = "model_refused"
    http_status = 422
    has_paths = True
    codes = {
        "model_files_missing": ErrorCode(422, "Files that the model needs are not there."),
        "model_too_large": ErrorCode(413, "Its files are larger than a model may be."),
        "model_no_space": ErrorCode(507, "The disk has too little room for it."),
        "model_damaged": ErrorCode(422, "A file is damaged, or not of the kind its name says."),
        "model_unsafe": ErrorCode(
            422, "The network reads files or has operators that are not allowed."
        ),
        "model_shape": ErrorCode(422, "Its inputs or outputs have shapes that photos do not fit."),
        "model_labels": ErrorCode(422, "The labels do not fit the network's outputs."),
        "model_options": ErrorCode(422, "An option is missing, or contradicts the model's config."),
        "model_trial_failed": ErrorCode(422, "It failed on the test pictures, or took too much."),
        "model_not_converted": ErrorCode(422, "A Keras model could not be converted."),
        "model_unconfirmed": ErrorCode(409, "Nobody agreed to add, download or remove it."),
        "model_package_missing": ErrorCode(501, "A package that the model needs is not installed."),
    }


class ModelKept(UsageError):
    """A model cannot be removed: a library uses it, or it belongs to the program."""

    code = "model_in_use"
    http_status = 409


class BrokenRequest(UsageError):
    """A request's body is malformed: broken multipart, invalid JSON."""

    code = "broken_request"


class SenderSlow(UsageError):
    """A request's body stalled or arrives too slowly."""

    code = "sender_slow"
    http_status = 408


class RequestTooLarge(UsageError):
    """A request exceeds a limit on its files, bytes or images."""

    code = "request_too_large"
    http_status = 413


class InvalidCursor(UsageError):
    """A paging cursor is malformed, or belongs to another sort order."""

    code = "invalid_cursor"


class VisitorUnknown(UsageError):
    """On a shared server, a request does not identify its visitor."""

    code = "visitor_unknown"
    http_status = 401


class VisitorElsewhere(UsageError):
    """The visitor's library is on another server, so the request must go there."""

    code = "visitor_elsewhere"
    http_status = 503


class FileNotAnnounced(UsageError):
    """A file was sent that was not announced for its upload."""

    code = "file_not_announced"
    http_status = 404


class BundleError(SceneError):
    """A model bundle cannot be used."""

    code = "bundle_error"
    has_paths = True


class BundleNotFound(BundleError):
    """The bundle's folder, or a file it names, is missing."""

    code = "bundle_not_found"


class BundleDamaged(BundleError):
    """A bundle file does not match bundle.json."""

    code = "bundle_damaged"


class BundleTooNew(BundleError):
    """The bundle has a later format than this program reads."""

    code = "bundle_too_new"


class BundleWithoutHeads(BundleError):
    """The bundle has no heads: it serves search and cannot tag photos."""

    code = "bundle_without_heads"


class EngineMissing(BundleError):
    """The runtime of the bundle's network is not installed."""

    code = "engine_missing"


class LabelCountMismatch(BundleError):
    """A head's number of outputs does not match its labels."""

    code = "label_count_mismatch"


class ModelHubError(SceneError):
    """A hub of models does not give a file, or not the right one."""

    code = "hub_unavailable"
    http_status = 502
    codes = {
        "hub_not_found": ErrorCode(404, "It has no such model, revision or file."),
        "hub_access_denied": ErrorCode(403, "It gives the model only to people who signed in."),
        "hub_file_differs": ErrorCode(502, "What arrived is not the file that was announced."),
        "hub_address_refused": ErrorCode(
            502, "Its address, or one it refers to, is not https or is private."
        ),
    }


class StoreUnavailable(SceneError):
    """The source of a batch cannot be listed, or its output cannot be read or written."""

    code = "batch_store_unavailable"
    http_status = 503
    has_paths = True
    codes = {"output_full": ErrorCode(507, "The disk of the output, or of the list, is full.")}


class LibraryError(SceneError):
    """The library on disk cannot be used."""

    code = "library_error"
    has_paths = True


class LibraryUnavailable(LibraryError):
    """The library's folder or database cannot be opened or written."""

    code = "library_unavailable"
    http_status = 503


class LibraryFull(LibraryUnavailable):
    """The library's disk is full."""

    code = "library_full"
    http_status = 507


class VisitorsInUse(LibraryUnavailable):
    """Another server process is using the folder with the visitors' libraries."""

    code = "visitors_in_use"


class LibraryReadOnly(LibraryUnavailable):
    """The library's folder or database is read-only."""

    code = "library_read_only"


class LibraryDamaged(LibraryUnavailable):
    """The library's database is corrupt, or not a database."""

    code = "library_damaged"


class DatabaseMissing(LibraryUnavailable):
    """A library has photos, but its database is missing, empty or incomplete."""

    code = "database_missing"


class LibraryBusy(LibraryUnavailable):
    """Another program has locked the library for too long."""

    code = "library_busy"


class LibraryTooNew(LibraryError):
    """The library was written by a later version of this program."""

    code = "library_too_new"


class LibraryInUse(LibraryError):
    """Another program has the library open, and the operation needs exclusive access."""

    code = "library_in_use"
    http_status = 409


class PhotoNotFound(LibraryError):
    """The library has no photo with that id."""

    code = "photo_not_found"
    http_status = 404
    codes = {"no_film": ErrorCode(404, "A photo is no motion photo, so it has no film.")}


class NoFrames(LibraryError):
    """The photo is a picture, not a video."""

    code = "not_a_video"
    http_status = 404


class EmbeddingMissing(LibraryError):
    """A photo's embedding is missing from disk, or incomplete."""

    code = "embedding_missing"
    http_status = 410


class SavedSearchNotFound(LibraryError):
    """The library has no saved search with that id."""

    code = "saved_search_not_found"
    http_status = 404


class AlbumNotFound(LibraryError):
    """The library has no album with that id that photos can be put into."""

    code = "album_not_found"
    http_status = 404


class TripNotFound(LibraryError):
    """The library has no trip with that id."""

    code = "trip_not_found"
    http_status = 404


class RuleNotFound(LibraryError):
    """The library has no standing rule with that id or name, or no run of one."""

    code = "rule_not_found"
    http_status = 404


class OriginalMissing(LibraryError):
    """The photo's original is missing from disk."""

    code = "original_missing"
    http_status = 410
    codes = {
        "original_not_fetched": ErrorCode(409, "The original is at a URL, and was not asked for."),
    }


class OriginalUnreachable(LibraryError):
    """The original is at a URL and could not be fetched."""

    code = "original_unreachable"
    http_status = 502


class OriginalChanged(LibraryError):
    """The original on disk is not the file that was added."""

    code = "original_changed"
    http_status = 409


class BackupError(SceneError):
    """A backup cannot be written or restored."""

    code = "backup_error"
    has_paths = True
    codes = {
        "wrong_passphrase": ErrorCode(403, "The passphrase does not open an encrypted backup."),
        "encryption_unavailable": ErrorCode(501, "The package that encrypts is not installed."),
    }


class NotABackup(BackupError):
    """The file was not written by `library backup`."""

    code = "not_a_backup"


class BackupDamaged(BackupError):
    """The backup is truncated, or does not match its own list."""

    code = "backup_damaged"


class BackupTooNew(BackupError):
    """The backup was written by a later version of this program."""

    code = "backup_too_new"


class SortError(SceneError):
    """A folder cannot be sorted."""

    code = "sort_error"


class SortRunning(SortError):
    """Another sort, undo or resume is running on the folder."""

    code = "sort_running"
    http_status = 409


class SortUnfinished(SortError):
    """The last sort into the folder was interrupted; it must be resumed or undone first."""

    code = "sort_unfinished"
    http_status = 409


class JournalDamaged(SortError):
    """The journal of a sort is damaged."""

    code = "journal_damaged"


class FileSkipped(SortError):
    """One file cannot be sorted, or moved back; it stays where it is."""

    code = "file_stays"
    exit_code = EXIT_SOME_FAILED
    codes = {
        "source_vanished": ErrorCode(410, "The file no longer exists."),
        "changed_since": ErrorCode(409, "The file changed since it was scanned."),
        "target_taken": ErrorCode(409, "The target path is occupied by another file."),
        "target_full": ErrorCode(507, "The target's disk is full."),
        "target_read_only": ErrorCode(500, "Writing the target or removing the source is denied."),
        "target_unavailable": ErrorCode(502, "The object store does not answer as it should."),
        "name_too_long": ErrorCode(500, "The name or path is too long for the file system."),
        "name_unusable": ErrorCode(500, "The name has characters that the object store refuses."),
        "too_large": ErrorCode(500, "The file is too large for one request to an object store."),
        "other_disk": ErrorCode(500, "A hard link cannot cross file systems."),
        "copy_differs": ErrorCode(500, "The copy, read back, differs from the source."),
        "lead_stays": ErrorCode(500, "The file belongs to a photo that was skipped."),
    }


class SidecarDamaged(SceneError):
    """An existing sidecar has no readable XMP; it is not changed."""

    code = "sidecar_damaged"
    http_status = 409
    exit_code = EXIT_SOME_FAILED


class UploadError(SceneError):
    """Uploaded files cannot be accepted."""

    code = "upload_error"
    http_status = 400


class UploadIncomplete(UploadError):
    """Fewer or more bytes arrived than were announced."""

    code = "upload_incomplete"
    http_status = 400
    codes = {
        "part_out_of_order": ErrorCode(409, "A part of a file came that does not follow the last."),
    }


class UploadOver(UploadError):
    """The upload was finished or cancelled, or its job is done."""

    code = "upload_over"
    http_status = 410


class UploadBusy(UploadError):
    """A visitor sends more files at the same time than are accepted."""

    code = "upload_busy"
    http_status = 429


class InboxError(UploadError):
    """A WebDAV inbox refuses what an app asks for."""

    code = "inbox_refused"
    http_status = 403
    codes = {
        "inbox_name_invalid": ErrorCode(400, "A name is not allowed in an inbox."),
        "inbox_folder_missing": ErrorCode(409, "The folder of a file is not in the inbox."),
        "inbox_name_taken": ErrorCode(405, "A folder has the name, or a file has a folder's."),
        "inbox_full": ErrorCode(507, "An inbox has too many folders and unfinished files."),
    }


class QuotaExceeded(UploadError):
    """The storage limit of a library, or of the server, is reached."""

    code = "quota_exceeded"
    http_status = 413


class PhoneCodeError(SceneError):
    """No code of this server lets this phone add photos."""

    code = "phone_code_unknown"
    http_status = 401
    codes = {
        "phone_code_expired": ErrorCode(401, "The time of the phone's code is over."),
        "phone_code_ended": ErrorCode(401, "The phone's code was ended on the computer."),
        "too_many_phone_codes": ErrorCode(409, "Too many codes for phones are in use."),
    }


class PhoneUnreachable(SceneError):
    """The upload page for phones cannot be opened to the local network."""

    code = "phone_unreachable"
    http_status = 503


class NotForVisitors(SceneError):
    """Visitors of a shared server may not do this."""

    code = "not_for_visitors"
    http_status = 403


class JobNotFound(SceneError):
    """There is no job with that id."""

    code = "job_not_found"
    http_status = 404


class JobRunning(SceneError):
    """The operation is not possible while photos are being tagged."""

    code = "job_running"
    http_status = 409


class ServerBusy(SceneError):
    """The request queue is full; retry after ``retry_after_s`` seconds."""

    code = "server_busy"
    http_status = 429

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRequests(ServerBusy):
    """A client exceeds the request rate limit."""

    code = "too_many_requests"


class RayError(SceneError):
    """Ray, which runs `batch --engine ray`, cannot be used, or its workers keep ending."""

    code = "ray_error"
    http_status = 503
    codes = {
        "ray_unreachable": ErrorCode(503, "Ray did not start, or the cluster does not answer."),
        "ray_environment": ErrorCode(503, "The packages could not be installed on the cluster."),
        "ray_worker_lost": ErrorCode(503, "Workers ended again and again on the same items."),
    }


class InternalError(SceneError):
    """An unexpected error; the log has the details, the client only a general message."""

    code = "internal_error"


def error_tree(root: type[SceneError] = SceneError, indent: str = "") -> str:
    """Draw the hierarchy, one class or code a line with HTTP status, exit code and meaning.

    The further codes of a class and its subclasses follow it in the order of definition, indented
    by two spaces.
    """
    meaning = (root.__doc__ or "").splitlines()[0]
    numbers = f"{root.http_status}, {root.exit_code}"
    lines = [f"{indent}{root.__name__} ({root.code}, {numbers}): {meaning}"]
    lines += [
        f"{indent}  {code} ({further.http_status}, {root.exit_code}): {further.meaning}"
        for code, further in vars(root).get("codes", {}).items()
    ]
    lines += [error_tree(subclass, indent + "  ") for subclass in root.__subclasses__()]
    return "\n".join(lines)

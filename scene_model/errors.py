"""Every error Scene Gallery raises on purpose, in one tree.

SceneError
├── PhotoError                 one photo cannot be used; the others go on
│   ├── EmptyFile
│   ├── FileTooLarge
│   ├── TooManyPixels
│   ├── NotAPicture
│   │   └── VideoFile
│   ├── UnsupportedPicture
│   │   └── UnsupportedColours
│   ├── DamagedPhoto
│   │   └── TruncatedPhoto
│   └── UnreadableFile
├── UsageError                 the request itself is wrong
│   ├── PathNotFound
│   ├── UnknownHead
│   ├── InvalidTag
│   ├── QueryError
│   ├── InvalidSearchName
│   ├── SearchNameTaken
│   ├── InvalidSetting
│   ├── TooFewExamples
│   ├── UnusableFolders
│   ├── TargetExists
│   ├── InvalidLayout
│   ├── FolderRefused
│   ├── NothingSorted
│   ├── TooManyFiles
│   ├── FileNotAnnounced
│   ├── BrokenRequest
│   ├── MissingFile
│   ├── SenderSlow
│   ├── RequestTooLarge
│   ├── InvalidImages
│   ├── InvalidCursor
│   ├── KeyReused
│   ├── ForeignRequest
│   ├── VisitorUnknown
│   └── TokenNeeded
├── BundleError                a model bundle cannot be used
│   ├── BundleNotFound
│   ├── BundleDamaged
│   ├── BundleTooNew
│   └── LabelCountMismatch
├── LibraryError               the library on disk cannot be used
│   ├── LibraryUnavailable
│   │   ├── LibraryFull
│   │   ├── LibraryReadOnly
│   │   ├── LibraryDamaged
│   │   └── LibraryBusy
│   ├── LibraryTooNew
│   ├── LibraryInUse
│   ├── PhotoNotFound
│   ├── EmbeddingMissing
│   ├── SavedSearchNotFound
│   ├── OriginalMissing
│   └── OriginalChanged
├── BackupError                a backup cannot be written or restored
│   ├── NotABackup
│   ├── BackupDamaged
│   └── BackupTooNew
├── SortError                  folders cannot be put in order
│   ├── SortRunning
│   ├── SortUnfinished
│   ├── JournalDamaged
│   └── FileSkipped              one file cannot be put in its place, or back; the others go on
│       ├── SourceVanished
│       ├── ChangedSince
│       ├── TargetTaken
│       ├── TargetFull
│       ├── TargetReadOnly
│       ├── NameTooLong
│       ├── OtherDisk
│       ├── CopyDiffers
│       └── LeadSkipped
├── SidecarDamaged             a sidecar's XMP cannot be read
├── UploadError                files cannot be taken
│   ├── UploadIncomplete
│   ├── UploadOver
│   ├── UploadBusy
│   └── QuotaExceeded
├── NotForVisitors             whoever runs a shared server decides it
├── JobNotFound
├── JobRunning                 something has to wait for a job to end
├── ServerBusy                 as much waits as may wait; ask again later
│   └── TooManyRequests
└── InternalError              anything else, told without its details

Each class carries ``code`` (what scripts match on), ``http_status`` (what the
REST API answers) and ``exit_code`` (what the command line ends with).
"""

import re
from typing import ClassVar

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
EXIT_INTERRUPTED = 130

# From a path's first slash to the end of its last name, which may have spaces before.
_PATH = re.compile(r"""(?<![^\s('"])(?:/|[A-Za-z]:\\)(?:.*[/\\])?[^\s),;:'"]*""", re.DOTALL)


def without_paths(message: str) -> str:
    """Leave out of a message where things lie on the disk."""
    return _PATH.sub("…", message)


class SceneError(Exception):
    """Root of the tree; the message is written for the person who reads it."""

    code: ClassVar[str] = "scene_error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = EXIT_FAILED
    names_places: ClassVar[bool] = False

    @property
    def message(self) -> str:
        """Say what is wrong, the value, the limit, and what to do."""
        return str(self)

    @property
    def message_outside(self) -> str:
        """The message for those who are not to know where things lie on the server's disk."""
        return without_paths(self.message) if self.names_places else self.message


class PhotoError(SceneError):
    """One photo cannot be used; a batch reports it and goes on."""

    code = "photo_error"
    http_status = 422
    exit_code = EXIT_SOME_FAILED


class EmptyFile(PhotoError):
    """The file holds no bytes."""

    code = "empty_file"


class FileTooLarge(PhotoError):
    """The file has more bytes than ``SCENE_MAX_FILE_BYTES``."""

    code = "file_too_large"
    http_status = 413


class TooManyPixels(PhotoError):
    """The picture has more pixels than ``SCENE_MAX_PIXELS``."""

    code = "too_many_pixels"
    http_status = 413


class NotAPicture(PhotoError):
    """The bytes are no picture of any kind known here."""

    code = "not_a_picture"
    http_status = 415


class VideoFile(NotAPicture):
    """The bytes are a video."""

    code = "video_file"


class UnsupportedPicture(PhotoError):
    """The bytes are a picture, of a kind that is not read here (SVG, camera raw)."""

    code = "unsupported_picture"
    http_status = 415


class UnsupportedColours(UnsupportedPicture):
    """The picture's colour mode cannot be converted to RGB."""

    code = "unsupported_colours"


class DamagedPhoto(PhotoError):
    """The picture's data contradicts itself."""

    code = "damaged_photo"


class TruncatedPhoto(DamagedPhoto):
    """The picture ends before its data does."""

    code = "truncated_photo"


class UnreadableFile(PhotoError):
    """The operating system would not let the file be read."""

    code = "unreadable_file"


class UsageError(SceneError):
    """The request is wrong and would be wrong again."""

    code = "wrong_usage"
    http_status = 400
    exit_code = EXIT_USAGE


class PathNotFound(UsageError):
    """A path named by the caller does not exist."""

    code = "path_not_found"
    http_status = 404


class UnusableFolders(UsageError):
    """A folder of class folders that no head can be made from, or under no such name."""

    code = "unusable_folders"


class UnknownHead(UsageError):
    """The bundle has no head of that name."""

    code = "unknown_head"


class InvalidTag(UsageError):
    """A tag written by a person cannot be kept as it is."""

    code = "invalid_tag"


class QueryError(UsageError):
    """A search query cannot be read; ``position`` counts characters from 0."""

    code = "query_error"

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class InvalidSearchName(UsageError):
    """A name for a saved search cannot be kept as it is."""

    code = "invalid_search_name"


class SearchNameTaken(UsageError):
    """Another saved search has that name already."""

    code = "search_name_taken"
    http_status = 409


class InvalidSetting(UsageError):
    """A ``SCENE_`` environment variable has a value that cannot be used."""

    code = "invalid_setting"


class TooFewExamples(UsageError):
    """Too few photos were given to learn something from."""

    code = "too_few_examples"


class TargetExists(UsageError):
    """A file or folder that is to be written is there already; nothing is ever overwritten."""

    code = "target_exists"
    http_status = 409


class InvalidLayout(UsageError):
    """A template for the places of sorted files cannot be used."""

    code = "invalid_layout"


class FolderRefused(UsageError):
    """Photos cannot be sorted into this folder."""

    code = "folder_refused"


class NothingSorted(UsageError):
    """The folder holds no journal of a sort, so there is nothing to undo or to go on with."""

    code = "nothing_sorted"
    http_status = 404


class BrokenRequest(UsageError):
    """A request's body is not what it says it is: broken multipart, no JSON."""

    code = "broken_request"


class MissingFile(UsageError):
    """A request that needs a file came without one."""

    code = "missing_file"
    http_status = 422


class SenderSlow(UsageError):
    """A request's body stopped coming, or comes too slowly."""

    code = "sender_slow"
    http_status = 408


class RequestTooLarge(UsageError):
    """A request is over a limit as a whole: its files, its bytes, its images."""

    code = "request_too_large"
    http_status = 413


class InvalidImages(UsageError):
    """The images of a `/classify` request cannot be answered for."""

    code = "invalid_images"


class InvalidCursor(UsageError):
    """A cursor is none that a list of photos gave, or belongs to another order."""

    code = "invalid_cursor"


class KeyReused(UsageError):
    """An Idempotency-Key came again with another request than the first time."""

    code = "key_reused"
    http_status = 422


class ForeignRequest(UsageError):
    """A request came from another site, or names a host that is not ours."""

    code = "foreign_request"
    http_status = 403


class VisitorUnknown(UsageError):
    """On a shared server, a request that does not say whose library it speaks of."""

    code = "visitor_unknown"
    http_status = 401


class TokenNeeded(UsageError):
    """A request from another computer that shows no token, or one that is none."""

    code = "token_needed"
    http_status = 401


class TooManyFiles(UsageError):
    """More files were announced at once than are taken."""

    code = "too_many_files"
    http_status = 413


class FileNotAnnounced(UsageError):
    """A file was sent that is not on its upload's list."""

    code = "file_not_announced"
    http_status = 404


class BundleError(SceneError):
    """A model bundle cannot be used."""

    code = "bundle_error"
    names_places = True


class BundleNotFound(BundleError):
    """The bundle's folder, or a file it names, is not there."""

    code = "bundle_not_found"


class BundleDamaged(BundleError):
    """A bundle file does not match what bundle.json says of it."""

    code = "bundle_damaged"


class BundleTooNew(BundleError):
    """The bundle was written in a later format than this program reads."""

    code = "bundle_too_new"


class LabelCountMismatch(BundleError):
    """A head has another number of outputs than labels."""

    code = "label_count_mismatch"


class LibraryError(SceneError):
    """The library on disk cannot be used."""

    code = "library_error"
    names_places = True


class LibraryUnavailable(LibraryError):
    """The library's folder or database cannot be opened or written."""

    code = "library_unavailable"
    http_status = 503


class LibraryFull(LibraryUnavailable):
    """There is no room left where the library lies."""

    code = "library_full"
    http_status = 507


class LibraryReadOnly(LibraryUnavailable):
    """The library's folder or database may be read, but not written."""

    code = "library_read_only"


class LibraryDamaged(LibraryUnavailable):
    """The library's database contradicts itself, or is no database."""

    code = "library_damaged"


class LibraryBusy(LibraryUnavailable):
    """Another program has been writing to the library for too long."""

    code = "library_busy"


class LibraryTooNew(LibraryError):
    """The library was written by a later version of this program."""

    code = "library_too_new"


class LibraryInUse(LibraryError):
    """Another program has the library open, and what was asked for needs it alone."""

    code = "library_in_use"
    http_status = 409


class PhotoNotFound(LibraryError):
    """The library holds no photo of that id."""

    code = "photo_not_found"
    http_status = 404


class EmbeddingMissing(LibraryError):
    """What the network saw of a photo is not on disk, or not whole."""

    code = "embedding_missing"
    http_status = 410


class SavedSearchNotFound(LibraryError):
    """The library holds no saved search of that id."""

    code = "saved_search_not_found"
    http_status = 404


class OriginalMissing(LibraryError):
    """The library knows the photo, but its original is not on disk."""

    code = "original_missing"
    http_status = 410


class OriginalChanged(LibraryError):
    """The bytes on disk are not the bytes that were added."""

    code = "original_changed"
    http_status = 409


class BackupError(SceneError):
    """A backup cannot be written or restored."""

    code = "backup_error"
    names_places = True


class NotABackup(BackupError):
    """The file is none that `library backup` wrote."""

    code = "not_a_backup"


class BackupDamaged(BackupError):
    """The backup is cut short, or does not hold what its own list says."""

    code = "backup_damaged"


class BackupTooNew(BackupError):
    """The backup was written by a later version of this program."""

    code = "backup_too_new"


class SortError(SceneError):
    """Folders cannot be put in order."""

    code = "sort_error"


class SortRunning(SortError):
    """Another sort, undo or resume works on the folder."""

    code = "sort_running"
    http_status = 409


class SortUnfinished(SortError):
    """The last sort into the folder was cut off; it has to be gone on with, or undone, first."""

    code = "sort_unfinished"
    http_status = 409


class JournalDamaged(SortError):
    """The journal of a sort cannot be read as it was written."""

    code = "journal_damaged"


class FileSkipped(SortError):
    """One file cannot be put in its place, or back; it stays where it is."""

    code = "file_stays"
    exit_code = EXIT_SOME_FAILED


class SourceVanished(FileSkipped):
    """The file is not where it was any more."""

    code = "source_vanished"
    http_status = 410


class ChangedSince(FileSkipped):
    """The file is not what it was when it was last looked at."""

    code = "changed_since"
    http_status = 409


class TargetTaken(FileSkipped):
    """Something else came to be where the file was to go."""

    code = "target_taken"
    http_status = 409


class TargetFull(FileSkipped):
    """There is no room left where the file was to go."""

    code = "target_full"
    http_status = 507


class TargetReadOnly(FileSkipped):
    """The operating system does not let the file be written there, or taken away."""

    code = "target_read_only"


class NameTooLong(FileSkipped):
    """The name or path is longer than the file system takes."""

    code = "name_too_long"


class OtherDisk(FileSkipped):
    """A hard link cannot lead from one file system to another."""

    code = "other_disk"


class CopyDiffers(FileSkipped):
    """What was read back is not what was to be copied."""

    code = "copy_differs"


class LeadSkipped(FileSkipped):
    """The file belongs to a photo that stays where it is, and so does it."""

    code = "lead_stays"


class SidecarDamaged(SceneError):
    """A sidecar that is there holds no XMP that can be read; it is left as it is."""

    code = "sidecar_damaged"
    http_status = 409
    exit_code = EXIT_SOME_FAILED


class UploadError(SceneError):
    """Files that were sent cannot be taken."""

    code = "upload_error"
    http_status = 400


class UploadIncomplete(UploadError):
    """Fewer or more bytes came than were announced."""

    code = "upload_incomplete"
    http_status = 400


class UploadOver(UploadError):
    """The upload was ended or cancelled, or its job is done."""

    code = "upload_over"
    http_status = 410


class UploadBusy(UploadError):
    """One visitor sends more files at the same time than are taken."""

    code = "upload_busy"
    http_status = 429


class QuotaExceeded(UploadError):
    """A library, or the server, holds as much as it may."""

    code = "quota_exceeded"
    http_status = 413


class NotForVisitors(SceneError):
    """On a shared server it is not for visitors to change."""

    code = "not_for_visitors"
    http_status = 403


class JobNotFound(SceneError):
    """No job of that id runs or has run here."""

    code = "job_not_found"
    http_status = 404


class JobRunning(SceneError):
    """What was asked for cannot be done while photos are being tagged."""

    code = "job_running"
    http_status = 409


class ServerBusy(SceneError):
    """As many requests wait as may wait; ``retry_after_s`` says when to ask again."""

    code = "server_busy"
    http_status = 429

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRequests(ServerBusy):
    """One caller asks more often than anyone may."""

    code = "too_many_requests"


class InternalError(SceneError):
    """Something unforeseen; the log has the details, the caller a plain sentence."""

    code = "internal_error"

"""Files that are whole or not there: written beside, synced and renamed.

At any moment, even if the process is killed or the disk is full, a path holds the
former file or the new one.
"""

import errno
import os
import shutil
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:
    # Windows has no such locks.
    fcntl = None


def check_place(path, overwrite):
    """Raise an error if a file's folder is missing, or if it may not be replaced."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}.")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{str(path)!r} exists and is no regular file.")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{str(path)!r} exists already; pass overwrite=True to replace it."
        )


def write_whole(path, write):
    """Write a file as a whole or not at all; ``write(draft)`` fills the file draft."""
    # A symbolic link stays, and the file that it points to is replaced.
    target = Path(os.path.realpath(path))
    _check_replaceable(target)
    remove_drafts(target.parent, target.name)
    with naming(path), _made(lambda: _make_draft(target)) as draft:
        try:
            write(draft)
            _copy_permissions(target, draft)
            _sync_file(draft)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    _sync_folder(target.parent)


def remove_drafts(folder, name=None):
    """Remove what killed writers left of a file, or of any file in the folder."""
    start = ".*." if name is None else escape(_draft_start(name))
    for draft in Path(folder).glob(f"{start}{'[0-9a-f]' * 32}.draft"):
        with _claimed(draft) as is_free, suppress(OSError):
            if is_free:
                draft.unlink()


@contextmanager
def new_folder(parent):
    """Make a folder of a new name for files that belong together.

    It counts as in use until the block is left. The name is never used again: a table
    that still names files of a removed folder must not find others in their place.
    """
    with _made(lambda: _make_folder(parent)) as folder:
        yield folder


def remove_unused_folders(parent, tables):
    """Remove the folders of `new_folder` that none of these tables names."""
    for folder in parent.glob("[0-9a-f]" * 8):
        with _claimed(folder) as is_free:
            # Read only now: a writer's table names its folder before that is free.
            if is_free and not _is_named(folder.name, tables):
                shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        parent.rmdir()


def sync_folder_tree(folder):
    """Make sure that the files in a folder are on the disk, as far as can be known."""
    # All at once at the end: one by one, each waits for the disk.
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_folder(path)
        else:
            _sync_file(path)
    _sync_folder(folder)
    _sync_folder(folder.parent)


@contextmanager
def naming(path):
    """Let errors of the operating system name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        reason = f"{os.strerror(error.errno)} (the file was not written)"
        raise OSError(error.errno, reason, str(path)) from error


def _draft_start(name):
    """Return how the names of a file's drafts begin; names have 255 bytes at most."""
    return f".{name[:50]}."


def _check_replaceable(path):
    """Raise an error if the path is a file that must not be replaced."""
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{str(path)!r} exists and is no regular file.")
    # Renaming would replace it without asking.
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is read-only", str(path))


def _copy_permissions(path, draft):
    """Give a draft the mode, the attributes and, if allowed, the owner of a file."""
    if not path.exists():
        return
    status = path.stat()
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(draft, status.st_uid, status.st_gid)
    shutil.copystat(path, draft)
    # The times are copied as well, and those of a new file are now.
    os.utime(draft)


def _sync_folder(folder):
    """Make sure that names in a folder are on the disk, where the system knows how."""
    if os.name == "nt":
        return
    # Some file systems can't: the file itself is whole in any case.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_file(path):
    """Make sure that a file is on the disk."""
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _make_draft(target):
    """Make a draft of a file, of a new name."""
    # Beside the file, as renaming is atomic within one file system only.
    draft = target.with_name(f"{_draft_start(target.name)}{uuid4().hex}.draft")
    draft.touch(exist_ok=False)
    return draft


def _make_folder(parent):
    """Make a folder of a new name."""
    folder = parent / uuid4().hex[:8]
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _made(make):
    """Give the path that ``make()`` makes, locked while its writer lives."""
    if fcntl is None:
        yield make()
        return
    while True:
        path = make()
        descriptor = _open_to_lock(path)
        if descriptor is not None:
            # Some file systems have no locks.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Else another writer removed it before the lock.
            if path.exists():
                break
            os.close(descriptor)
    try:
        yield path
    finally:
        os.close(descriptor)


@contextmanager
def _claimed(path):
    """Give whether no living writer has locked a path; lock it if so."""
    # Windows has no locks for this: two writers of one file may disturb each other.
    descriptor = None if fcntl is None else _open_to_lock(path)
    is_free = fcntl is None or descriptor is not None
    try:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_free = False
    except OSError:
        pass
    try:
        yield is_free
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_to_lock(path):
    """Open a file or folder for a lock; return None if that fails."""
    try:
        # On NFS a lock needs a file that is open for writing.
        return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except OSError:
        return None


def _is_named(name, tables):
    """Tell whether a name occurs in the text of a table."""
    # Excel also saves tables as UTF-16.
    names = [name.encode(code) for code in ("ascii", "utf-16-le", "utf-16-be")]
    for table in tables:
        try:
            text = table.read_bytes()
        except OSError:
            # It could name anything.
            return True
        if any(name in text for name in names):
            return True
    return False

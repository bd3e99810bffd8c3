"""Full disks, interrupts, two writers: the old table stays whole, and nothing else."""

import contextlib
import errno
import os
import subprocess
import sys
import threading

import pytest
from fault_cases import HERE, is_table, list_leftovers, load, make_table, save

from sklipo.datasets import _writing, save_particles, saving

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
JOBS = ["save_csv", "save_tif", "save_parquet", "predict_once"]
TABLES = [(".csv", "uint8"), (".parquet", "uint8")]


@contextlib.contextmanager
def files_of_at_most(n_bytes):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@POSIX
@pytest.mark.parametrize("limit", [0, 1, 100, 250, 900])
@pytest.mark.parametrize("suffix, dtype", [*TABLES, (".csv", "float32")])
def test_files_that_cannot_grow(tmp_path, suffix, dtype, limit):
    save(tmp_path, suffix, 0)
    before = sorted(tmp_path.rglob("*"))
    message = rf"File too large \(the file was not written\).*a\{suffix}"
    with files_of_at_most(limit), pytest.raises(OSError, match=message):
        save(tmp_path, suffix, 1, dtype=dtype)
    assert is_table(load(tmp_path, suffix), 0)
    assert sorted(tmp_path.rglob("*")) == before


def mounts():
    """Tell whether a user may mount a file system here, in a namespace of its own."""
    try:
        command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not mounts(), reason="may not mount a file system")
@pytest.mark.parametrize(
    "job", ["save_csv", "save_tif", "save_parquet", "predict_once"]
)
def test_full_disk(tmp_path, job):
    script = f"""
        mount -t tmpfs -o size=1200k tmpfs {tmp_path} && cd {tmp_path} || exit 9
        PYTHONPATH={HERE}:$PYTHONPATH
        {sys.executable} {HERE}/full_disk.py {job} {tmp_path}
    """
    command = ["unshare", "-rm", "sh", "-c", script]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "No space left on device" in result.stdout


STEPS = {
    "write": (os, "fsync"),
    "rename": (os, "replace"),
    "encode": (saving, "encode_csv"),
    "attributes": (_writing, "_copy_permissions"),
}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EIO, "I/O error")])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_interrupt_at_any_step(tmp_path, suffix, step, error, monkeypatch):
    save(tmp_path, suffix, 0)
    before = sorted(tmp_path.rglob("*"))

    def fail(*args, **kwargs):
        raise error

    if suffix == ".parquet" and step == "encode":
        return
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], fail)
        with pytest.raises((KeyboardInterrupt, OSError)):
            save(tmp_path, suffix, 1)
    assert is_table(load(tmp_path, suffix), 0)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_interrupt_after_the_last_step(tmp_path, suffix, monkeypatch):
    save(tmp_path, suffix, 0)
    replace = os.replace

    def replace_and_fail(*args):
        replace(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_and_fail)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, suffix, 1)
    assert is_table(load(tmp_path, suffix), 1)
    assert not list_leftovers(tmp_path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_two_writers_of_one_table(tmp_path, suffix):
    writers = [
        threading.Thread(target=lambda seed=seed: save(tmp_path, suffix, seed))
        for seed in [0, 1] * 8
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    table = load(tmp_path, suffix)
    assert sum(is_table(table, seed) for seed in (0, 1)) == 1
    save(tmp_path, suffix, 2)
    assert not list_leftovers(tmp_path)


@POSIX
def test_links_and_permissions_stay(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "b.parquet", tmp_path / "a.parquet"
    save_particles(make_table(0), target)
    target.chmod(0o640)
    link.symlink_to(target)
    save(tmp_path, ".parquet", 1)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert is_table(load(tmp_path, ".parquet"), 1)


@POSIX
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_new_files_follow_the_umask(tmp_path, suffix):
    old = os.umask(0o027)
    try:
        save(tmp_path, suffix, 0)
    finally:
        os.umask(old)
    modes = {p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_file()}
    assert modes == {0o640}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_no_file_is_not_replaced(tmp_path, suffix):
    (tmp_path / f"a{suffix}").mkdir()
    with pytest.raises(FileExistsError, match="no regular file"):
        save(tmp_path, suffix, 0)
    assert not any((tmp_path / f"a{suffix}").iterdir())


def test_read_only_files_are_not_replaced(tmp_path, monkeypatch):
    save(tmp_path, ".parquet", 0)
    # A superuser may write anything.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"read-only.*a\.parquet"):
        save(tmp_path, ".parquet", 1)
    monkeypatch.undo()
    assert is_table(load(tmp_path, ".parquet"), 0)

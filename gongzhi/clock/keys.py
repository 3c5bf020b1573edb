"""The data folder, its database file, the clock of a demo and the two secrets: what signs sessions, and what wraps
personal data.

A secret comes from the environment, else from a file of mode 0600 under `keys/` in the data folder. `gongzhi run`
makes the files that are missing; a production installation is given its own.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

DATA = Path(os.environ.get("GONGZHI_DATA") or "var").absolute()
FOLDER = DATA / "keys"


def file_of(variable: str) -> Path:
    """`GONGZHI_SECRET_KEY` lies in `keys/secret_key`."""
    return FOLDER / variable.removeprefix("GONGZHI_").lower()


def read(variable: str) -> str:
    """The secret, or an empty text. Raises OSError when its file is there and cannot be read."""
    if value := os.environ.get(variable):
        return value
    path = file_of(variable)
    return path.read_text().strip() if path.exists() else ""


def vault_keys() -> list[str]:
    """The master keys, newest first: the first one seals, all of them open (rotation)."""
    return [key for key in read("GONGZHI_VAULT_KEYS").replace(",", " ").split() if key]


def clock_behind() -> timedelta:
    """How far a demo's clock is behind the machine's; nothing where no demo was built."""
    return timedelta(seconds=float(read("GONGZHI_CLOCK_BEHIND") or 0))


def keep_clock_behind(behind: timedelta) -> None:
    """Let every process that starts after this go by a demo's clock. Raises OSError when it cannot be written."""
    path = file_of("GONGZHI_CLOCK_BEHIND")
    path.unlink(missing_ok=True)
    _write(path, str(round(behind.total_seconds())))


def new_secret_key() -> str:
    return secrets.token_urlsafe(64)


def new_vault_key() -> str:
    """The first master key as the vault takes it: its number, a colon, 32 random bytes in base64url."""
    return f"k1:{secrets.token_urlsafe(32)}"


MAKERS = {"GONGZHI_SECRET_KEY": new_secret_key, "GONGZHI_VAULT_KEYS": new_vault_key}


def make_database(file: Path) -> None:
    """Create a database file that is not there yet for its owner alone (0600), and the data folder if it lies there.

    SQLite itself would leave it to be read by others. Raises OSError when it cannot be written.
    """
    if file.resolve().parent == DATA.resolve():
        DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))


def make_missing() -> None:
    """Create the data folder (0700) and whichever secret is neither in the environment nor on disk (0600).

    Raises OSError when the folder cannot be written.
    """
    for folder in (DATA, FOLDER):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for variable, make in MAKERS.items():
        if not read(variable):
            _write(file_of(variable), make())
    if not os.access(DATA, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), str(DATA))


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never over a key that another start has just made."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()

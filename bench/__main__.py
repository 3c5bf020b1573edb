"""`python -m bench`: a private PostgreSQL that waits for the disk is filled and measured, figures with ratios."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per figure")
    parser.add_argument("--big", action="store_true", help="G4 with 10 million facts too")
    parser.add_argument("--rows", type=int, default=200_000, help="G5 and G10 among so many; the goals say 1000000")
    parser.add_argument("--only", default="", help="comma-separated goals, such as G1,G4")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    options = parser.parse_args()
    if "GONGZHI_BENCH" not in os.environ:
        return within_postgres()
    import django

    django.setup()
    from bench import goals

    wanted = {name for name in options.only.split(",") if name}
    rows = []
    for name, measure in goals.GOALS.items():
        if wanted and name not in wanted:
            continue
        for row in measure(options):
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False) if options.json else goals.line(row), flush=True)
    return 0 if all(row.get("met", True) for row in rows) else 1


def within_postgres() -> int:
    """Run this program again inside a cluster of its own, with secrets and files of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "GONGZHI_BENCH": "1",
            "GONGZHI_DATA": folder,
            "GONGZHI_SECRET_KEY": secrets.token_urlsafe(48),
            "GONGZHI_VAULT_KEYS": "b1:" + secrets.token_urlsafe(32),
            "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
        }
        command = [sys.executable, str(ROOT / "scripts" / "private_postgres.py"), "--durable", "--"]
        return subprocess.call([*command, sys.executable, "-m", "bench", *sys.argv[1:]], env=environment, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())

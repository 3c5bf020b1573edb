from __future__ import annotations

import sys

from gongzhi.cli import main

sys.exit(main())

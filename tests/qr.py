"""Reading a QR as a telephone does, from the squares that are printed: so that a slip is proved by what it says."""

from __future__ import annotations

import re

import qrcode
from qrcode import base, util

BORDER = 4
# Bits 14 and 13 of the format: which level of correction.
LEVELS = {1: base.constants.ERROR_CORRECT_L, 0: base.constants.ERROR_CORRECT_M,
          3: base.constants.ERROR_CORRECT_Q, 2: base.constants.ERROR_CORRECT_H}  # fmt: skip


def read(path: str, size: int) -> str:
    """The text of a QR drawn as runs of squares (clock.slips) over `size` by `size` units with its border."""
    side = size - 2 * BORDER
    dark = [[False] * side for _ in range(side)]
    for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path):
        for step in range(int(run)):
            dark[int(y) - BORDER][int(x) - BORDER + step] = True
    told = sum(dark[8][column] << (14 - bit) for bit, column in enumerate([0, 1, 2, 3, 4, 5, 7, 8]))
    format_ = told ^ 0b101010000010010
    level, mask = LEVELS[format_ >> 13], format_ >> 10 & 7
    version = (side - 17) // 4
    bits = _bits(dark, version, mask)
    words = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits) - 7, 8)]
    data = _blocks(words, version, level)
    stream = "".join(f"{one:08b}" for one in data)
    assert stream[:4] == "0100", "bytes"
    width = 8 if version < 10 else 16
    length = int(stream[4 : 4 + width], 2)
    start = 4 + width
    return bytes(int(stream[start + 8 * at : start + 8 * at + 8], 2) for at in range(length)).decode()


def _bits(dark: list[list[bool]], version: int, mask: int) -> list[int]:
    """The modules that carry data, in their order, unmasked."""
    side = len(dark)
    plain = qrcode.QRCode(version=version)
    plain.modules_count = side
    plain.modules = [[None] * side for _ in range(side)]
    for row, column in ((0, 0), (side - 7, 0), (0, side - 7)):
        plain.setup_position_probe_pattern(row, column)
    plain.setup_position_adjust_pattern()
    plain.setup_timing_pattern()
    plain.setup_type_info(True, mask)
    if version >= 7:
        plain.setup_type_number(True)
    turned = util.mask_func(mask)
    found, upwards = [], True
    for column in range(side - 1, 0, -2):
        column -= column <= 6
        for row in range(side - 1, -1, -1) if upwards else range(side):
            for one in (column, column - 1):
                if plain.modules[row][one] is None:
                    found.append(int(dark[row][one] != turned(row, one)))
        upwards = not upwards
    return found


def _blocks(words: list[int], version: int, level: int) -> list[int]:
    """The data of the blocks that are laid between each other."""
    blocks = base.rs_blocks(version, level)
    parts: list[list[int]] = [[] for _ in blocks]
    at = 0
    for step in range(max(one.data_count for one in blocks)):
        for number, one in enumerate(blocks):
            if step < one.data_count:
                parts[number].append(words[at])
                at += 1
    return [word for part in parts for word in part]

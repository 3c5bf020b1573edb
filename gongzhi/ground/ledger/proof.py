"""Proofs that a fact stood in the ledger: SHA-256 Merkle trees in the layout of RFC 6962, each seal chained to the one
before.

Nothing here needs the platform or its database. Whoever has the exported file and a printed seal can check it, by
`gongzhi verify FILE` or with this one file: `python proof.py FILE`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EMPTY = hashlib.sha256(b"").digest()


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def leaf_of(told: bytes) -> bytes:
    """The leaf over what is told of a fact."""
    return hashlib.sha256(b"\x00" + told).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over leaf digests, in order."""
    if not leaves:
        return EMPTY
    # Level by level gives the same tree as the recursive definition and needs no recursion.
    level = list(leaves)
    while len(level) > 1:
        above = [_node(level[index], level[index + 1]) for index in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], position: int) -> list[tuple[str, str]]:
    """The path from a leaf to the root: (side of the sibling, digest in hex), lowest first."""
    if len(leaves) <= 1:
        return []
    middle = _split(len(leaves))
    if position < middle:
        below = inclusion_proof(leaves[:middle], position)
        return [*below, ("right", merkle_root(leaves[middle:]).hex())]
    below = inclusion_proof(leaves[middle:], position - middle)
    return [*below, ("left", merkle_root(leaves[:middle]).hex())]


def sides(position: int, count: int) -> list[str]:
    """On which side each sibling of a leaf stands, lowest first, in a tree of `count` leaves."""
    if count <= 1:
        return []
    middle = _split(count)
    if position < middle:
        return [*sides(position, middle), "right"]
    return [*sides(position - middle, count - middle), "left"]


def follow(leaf: bytes, path: Sequence[Sequence[str]]) -> bytes:
    """The root to which a leaf and its path lead."""
    digest = leaf
    for side, sibling in path:
        other = bytes.fromhex(sibling)
        digest = _node(digest, other) if side == "right" else _node(other, digest)
    return digest


def chain_digest(number: int, previous: str, root: str, count: int, sealed_at: str) -> str:
    """The digest of a seal: over its number, its root, how many facts, when, and the digest of the seal before."""
    told = {"number": number, "previous": previous, "root": root, "count": count, "sealed_at": sealed_at}
    return hashlib.sha256(canonical(told)).hexdigest()


class Malformed(ValueError):
    """Not a proof at all."""


def read(text: str | bytes) -> dict[str, Any]:
    """A proof from its file. Raises Malformed."""
    try:
        proof = json.loads(text)
        seal, path = proof["seal"], proof["path"]
        ok = (
            isinstance(proof["leaf"], str)
            and isinstance(json.loads(proof["leaf"]), dict)
            and type(proof["position"]) is int
            and all(type(seal[name]) is int for name in ("number", "count"))
            and all(isinstance(seal[name], str) for name in ("previous", "root", "sealed_at", "digest"))
            and all(side in ("left", "right") and len(bytes.fromhex(sibling)) == 32 for side, sibling in path)
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed("不是导出的证明文件") from error
    if not ok:
        raise Malformed("不是导出的证明文件")
    return dict(proof)


def faults(proof: Mapping[str, Any], printed: str = "") -> list[str]:
    """What is wrong with a proof, in words; empty when the fact stood in that seal, unchanged.

    printed: the seal's digest, or its first characters, as it was read from the noticeboard.
    """
    seal, leaf, path = proof["seal"], proof["leaf"].encode(), proof["path"]
    wrong: list[str] = []
    if not 0 <= proof["position"] < seal["count"] or [side for side, _ in path] != sides(
        proof["position"], seal["count"]
    ):
        wrong.append("路径和记录在封里的位置不符")
    if follow(leaf_of(leaf), path).hex() != seal["root"]:
        wrong.append("记录沿路径得不到封的根：记录或路径被改过")
    if chain_digest(*(seal[name] for name in ("number", "previous", "root", "count", "sealed_at"))) != seal["digest"]:
        wrong.append("封号和封的内容不符：封被改过")
    if printed and not (len(printed) >= 8 and seal["digest"].startswith(printed.lower())):
        wrong.append("封号和公开栏上印的不同：这份证明不出自那一封")
    return wrong


def summary(proof: Mapping[str, Any]) -> str:
    """What the proof shows, in one line."""
    told, seal = json.loads(proof["leaf"]), proof["seal"]
    what = " ".join(str(told.get(name, "")) for name in ("id", "kind", "label"))
    return f"{what}：在第 {seal['number']} 封（{seal['sealed_at']}）里，封号 {seal['digest']}"


def main(words: Sequence[str]) -> int:
    """0: the proof holds. 1: it does not. 2: not a proof."""
    try:
        (file,) = words
        proof = read(Path(file).read_bytes())
    except (ValueError, OSError) as error:
        sys.stderr.write(f"proof: {error}\n")
        return 2
    wrong = faults(proof)
    sys.stdout.write("\n".join(wrong or [summary(proof)]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Reads assembly of x86-64 and of 64-bit ARM: which loops of a kernel compute with whole vectors.

What the compiler makes of a loop over numbers is a loop over vectors and, behind it, one over the rest of the
numbers, which does the same to one at a time. So an innermost loop over single numbers is well where the
same arithmetic stands in a loop over vectors too: as often, or by a power of two more often where that is
unrolled. Any other is a loop that stayed scalar. So is one that calls what is not here, such as a function of
C's library.

Where two loops of a kernel have the same arithmetic, one that stays scalar goes unseen behind the other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

LABEL = re.compile(r'^("[^"]+"|[\w.$]+):')
LOCAL = re.compile(r"\.?LBB\w+")
LINE = re.compile(r"^\s+([a-z][\w.]*)\s*(.*)")
GOES = re.compile(r"^(?:jmpq?|retq?|b|br|ud2|brk|udf)$")  # what follows is reached from elsewhere only
JUMPS = re.compile(r"^(?:j\w+|b|b\.\w+|cbn?z|tbn?z)$")
CALLS = re.compile(r"^(?:callq?|blr?)$")
SYMBOL = re.compile(r"(?:^\$|:abs_g\d:|:abs_g\d_nc:|:got:|:got_lo12:)\"?([A-Za-z_][^\s,\"\]]*)")
LIBRARY = re.compile(r"^_?(mem(cpy|set|move)|bzero)$")  # whole vectors too

# Arithmetic by what it does; then a p for vectors, or the name of an ARM register that is one.
X86 = re.compile(r"^v?(add|sub|mul|div|sqrt|min|max|fn?m(?:add|sub)|fmaddsub|cmp|u?comi)\w*?([ps])[sd]$")
X86_CONVERTS = re.compile(r"^v?cvtt?(u?[dq]q2p|p[sd]2|u?s[isd]2)")
ARM = re.compile(
    r"^f(n?madd|n?msub|mla|mls|add|sub|n?mul|div|sqrt|min|max|minnm|maxnm|c?cmpe?|cm(?:eq|g[et]|l[et]))$"
)
ARM_CONVERTS = re.compile(r"^([su]cvtf|fcvt\w*)$")
ARM_VECTOR = re.compile(r"\.(?:4s|2d|2s)\b")
KINDS = {"sub": "add", "min": "max", "minnm": "max", "maxnm": "max", "ucomi": "cmp", "comi": "cmp"}
LOOSE = {"max", "cmp", "convert"}  # of these a choice on vectors may take more or fewer
GATHERS = re.compile(r"^v(gather|scatter)[dq]p[sd]$")  # a vector, but no faster than its numbers one by one
X86_MOVE = re.compile(r"^v?(mov[au]p[sd]|movdq[au]\w*|movntps)$")
ARM_STORE = re.compile(r"^(stu?r|stp|st[1-4])(\.4s|\.2d)?$")


@dataclass
class Block:
    """Instructions that run one after the other, and the labels of where they may go on."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


Blocks = dict[str, Block]


class Loop(NamedTuple):
    """An innermost loop: how often it computes what on vectors and on single numbers."""

    label: str
    packed: Counter[str]
    scalar: Counter[str]
    calls: set[str]  # of functions that are not here, and of what is as slow
    blocks: int


def scalar_loops(assembly: str) -> list[str]:
    """What is wrong with each loop that stayed scalar."""
    found = list(loops(assembly))
    vectors = [loop for loop in found if 2 * loop.scalar.total() < loop.packed.total()]
    wrong = [f"{loop.label} calls {', '.join(loop.calls)}" for loop in found if loop.calls]
    for loop in found:
        if loop.scalar and loop not in vectors and not any(is_rest(loop, other) for other in vectors):
            wrong.append(f"{loop.label} computes {dict(loop.scalar)} on single numbers")
    return wrong


def is_rest(loop: Loop, vectors: Loop) -> bool:
    """Whether a loop does to single numbers what the other one does to vectors."""
    one, many = ({k: n for k, n in c.items() if k not in LOOSE} for c in (loop.scalar, vectors.packed))
    if one.keys() != many.keys() or loop.packed:
        return False
    if not one:
        return bool(vectors.packed)
    if any(is_as_often(one, many, times) for times in (1, 2, 4, 8)):
        return True
    # the rest may stand there for each number of it, with a way out behind each; else it is twice unrolled
    most = loop.blocks if loop.blocks > 2 else 2
    return any(is_as_often(many, one, times) for times in range(2, most + 1))


def is_as_often(one: dict[str, int], many: dict[str, int], times: int) -> bool:
    """Whether one loop does all so many times as often as another; in a long one not quite."""
    return sum(abs(many[kind] - times * n) for kind, n in one.items()) <= sum(many.values()) / 10


def computes(assembly: str) -> bool:
    """Whether any innermost loop has arithmetic."""
    return any(loop.packed or loop.scalar for loop in loops(assembly))


def stores_vectors(assembly: str) -> bool:
    """Whether whole vectors are written to memory, here or by the library."""
    lines = [line.groups() for text in assembly.splitlines() if (line := LINE.match(text))]
    named = {rest for name, rest in lines if CALLS.match(name) or name in ("b", "jmp")}
    named |= {symbol[1] for _, rest in lines for symbol in SYMBOL.finditer(rest)}
    return any(map(LIBRARY.match, named)) or any(stores_vector(*line) for line in lines)


def vector_bits(assembly: str) -> int:
    """Bits of the longest vectors that are computed with."""
    lines = [line.groups() for text in assembly.splitlines() if (line := LINE.match(text))]
    packed = " ".join(rest for name, rest in lines if (kind := kind_of(name, rest)) and kind[1])
    return 512 if "zmm" in packed else 256 if "ymm" in packed else 128 if packed else 0


def loops(assembly: str) -> Iterator[Loop]:
    """The innermost loops of all functions; what they call counts as part of them."""
    code = functions(assembly)
    for name, blocks in code.items():
        for circle in innermost(blocks, set(blocks)):
            loop = Loop(f"{name[-60:]} {min(circle)}", Counter(), Counter(), set(), len(circle))
            gathers: set[str] = set()
            for what, rest in lines_of(code, blocks, circle):
                if GATHERS.match(what):
                    gathers.add(f"{what} for single numbers")
                elif what == "call":
                    loop.calls.add(rest)
                elif kind := kind_of(what, rest):
                    (loop.packed if kind[1] else loop.scalar)[kind[0]] += 1
            yield loop._replace(calls=loop.calls | gathers) if loop.packed else loop


def functions(assembly: str) -> dict[str, Blocks]:
    """The functions by name, each as its blocks by label."""
    found: dict[str, Blocks] = {}
    blocks: Blocks = {}
    last: Block | None = None

    def begin(label: str) -> Block:
        fresh = blocks[label] = Block()
        if last is not None:
            last.next.append(label)
        return fresh

    for number, text in enumerate(assembly.splitlines()):
        if label := LABEL.match(text):
            if LOCAL.match(label[1]):
                last = begin(label[1])
            elif not label[1].startswith((".", "L", "l_")):
                blocks, last = found.setdefault(label[1].strip('"'), {}), None
                last = begin("")
        elif last is not None and (line := LINE.match(text)):
            last.lines.append((line[1], line[2]))
            if JUMPS.match(line[1]) and (to := LOCAL.search(line[2])):
                last.next.append(to[0])
            if GOES.match(line[1]):
                last = None
            elif JUMPS.match(line[1]):
                last = begin(f" {number}")
    return found


def innermost(blocks: Blocks, among: set[str]) -> Iterator[set[str]]:
    """The labels of each loop that holds no other loop."""
    for circle in circles(blocks, among):
        entries = {to for name, b in blocks.items() if name not in circle for to in b.next} & circle
        yield from list(innermost(blocks, circle - (entries or {min(circle)}))) or [circle]


def circles(blocks: Blocks, among: set[str]) -> Iterator[set[str]]:
    """The sets of blocks from each of which one comes to all others: Tarjan's algorithm."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    done: set[str] = set()
    for root in among:
        work = [root] if root not in order else []
        while work:
            at = work[-1]
            if at not in order:
                order[at] = low[at] = len(order)
                path.append(at)
            following = [to for to in blocks[at].next if to in among]
            if new := next((to for to in following if to not in order), None):
                work.append(new)
                continue
            work.pop()
            if at in done:
                continue
            low[at] = min([low[at], *(low[to] for to in following if to not in done)])
            if low[at] == order[at]:
                circle = set(path[path.index(at) :])
                del path[path.index(at) :]
                done |= circle
                if len(circle) > 1 or at in following:
                    yield circle


def lines_of(
    code: dict[str, Blocks], blocks: Blocks, labels: Iterable[str], seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    """The instructions of some blocks, with those of the functions that they call."""
    every = {s[1] for b in blocks.values() for _, rest in b.lines for s in SYMBOL.finditer(rest)}
    for label in labels:
        for name, rest in blocks[label].lines:
            leaves = name in ("b", "jmp") and not LOCAL.match(rest)  # for good, to what returns in its stead
            if not leaves and not CALLS.match(name):
                yield name, rest
                continue
            is_named = "*" not in rest and name != "blr"
            for to in {rest.strip('"')} if is_named else every or {"what it is told to"}:
                if to in code and to not in seen:
                    yield from lines_of(code, code[to], code[to], seen | {to})
                elif to not in code and not LIBRARY.match(to):
                    yield "call", to


def kind_of(name: str, rest: str) -> tuple[str, bool] | None:
    """What an instruction computes, and whether on a vector; None for what is no arithmetic of floats."""
    if found := X86.match(name):
        return ("fma" if found[1].startswith("f") else KINDS.get(found[1], found[1])), found[2] == "p"
    if found := X86_CONVERTS.match(name):
        return "convert", "p" in found[1]
    name, _, kind = name.partition(".")
    is_vector = bool(ARM_VECTOR.search(f".{kind} {rest}"))
    if ARM_CONVERTS.match(name):
        return "convert", is_vector
    if found := ARM.match(name):
        which = re.sub(r"^n?(madd|msub|mla|mls)$", "fma", found[1])
        return (
            "cmp" if which.startswith(("cm", "ccm")) else KINDS.get(which, which.removeprefix("n"))
        ), is_vector
    return None


def stores_vector(name: str, rest: str) -> bool:
    """Whether an instruction writes a vector to memory other than the stack."""
    if X86_MOVE.match(name):
        return bool(re.match(r"%[xyz]mm\d+, .*\(%r(?!sp)", rest))
    return bool(ARM_STORE.match(name) and re.match(r"q\d|\{", rest) and "[sp" not in rest)

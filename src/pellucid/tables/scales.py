"""Texts with an order that everybody knows: `in_order`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import pairwise

# Each from the least to the greatest; words in one place mean the same.
SCALES = (
    "very low|low|medium low|medium/moderate/middle/average/mid|medium high|high|very high",
    "xxxs|xxs|xs|s|m|l|xl|xxl/2xl|xxxl/3xl|4xl|5xl",
    "tiny|very small|small|medium/mid|large/big|very large|huge",
    "short|medium|long",
    "never|almost never|rarely/seldom|occasionally|sometimes|often/frequently|usually"
    "|very often|almost always|always",
    "strongly disagree|disagree|somewhat disagree|neutral/neither agree nor disagree/undecided|somewhat agree"
    "|agree|strongly agree",
    "very dissatisfied|dissatisfied|neutral|satisfied|very satisfied",
    "terrible|very bad|very poor|bad|poor|fair|average|ok/okay|good|very good|great|excellent"
    "|outstanding|perfect",
    "none|minimal|very mild|mild|moderate|severe|very severe|critical",
    "minor|moderate|major|critical|blocker",
    "cold|cool|mild|warm|hot",
    "young|middle aged/middle-aged|old",
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth",
    "1st|2nd|3rd|4th|5th|6th|7th|8th|9th|10th|11th|12th",
    "monday/mon|tuesday/tue/tues|wednesday/wed|thursday/thu/thur/thurs|friday/fri|saturday/sat|sunday/sun",
    "january/jan|february/feb|march/mar|april/apr|may|june/jun|july/jul|august/aug|september/sep/sept|october/oct"
    "|november/nov|december/dec",
    "morning|noon|afternoon|evening|night",
    "spring|summer|autumn/fall|winter",
)
RANKS = [
    {word: rank for rank, words in enumerate(scale.split("|")) for word in words.split("/")}
    for scale in SCALES
]

NUMBER = r"[$€£]? ?(-?\d[\d,]*(?:\.\d+)?)(k?) ?[%$€£]?"
RANGE = re.compile(rf"[\[(]?{NUMBER} ?(?:-|–|—|\.\.|, ?|to|bis) ?{NUMBER}[\])]?")
BELOW = re.compile(rf"(?:<=?|under|below|less than|up to) ?{NUMBER}|{NUMBER} (?:or less|and under|and below)")
ABOVE = re.compile(
    rf"(?:>=?|over|above|more than) ?{NUMBER}|{NUMBER} ?(?:\+|or more|and over|and above|and more|or over)"
)

LEAST = 3  # two levels are one input whatever their order


def in_order(texts: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Different texts from the least to the greatest, and why; empty where no order is known.

    Examples
    --------
    >>> in_order(["high", "Low", "medium"])
    (('Low', 'medium', 'high'), 'its values are of the scale Low, medium, high')
    >>> in_order(["25-34", "65+", "18-24", "<18"])[0]
    ('<18', '18-24', '25-34', '65+')
    >>> in_order(["red", "low", "high"])
    ((), '')
    """
    words = {text: text.casefold() for text in texts}
    if len(words) < LEAST:
        return (), ""
    for ranks in RANKS:
        if all(word in ranks for word in words.values()):
            levels = tuple(sorted(words, key=lambda text: (ranks[words[text]], text)))
            return levels, f"its values are of the scale {', '.join(levels)}"
    ranges = {text: _range(word) for text, word in words.items()}
    bounds = sorted((r, text) for text, r in ranges.items() if r is not None)
    if len(bounds) < len(words):
        return (), ""
    if any(a[0][1] > b[0][0] for a, b in pairwise(bounds)):
        return (), ""  # they overlap
    return tuple(text for _, text in bounds), "its values are ranges of numbers"


def _range(word: str) -> tuple[float, float] | None:
    """The bounds of a range of numbers."""
    for pattern in (RANGE, BELOW, ABOVE):
        if found := pattern.fullmatch(word):
            parts = [g for g in found.groups() if g is not None]
            ends = [_value(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
            if pattern is RANGE:
                return (ends[0], ends[1]) if ends[0] <= ends[1] else None
            return (-math.inf, ends[0]) if pattern is BELOW else (ends[0], math.inf)
    return None


def _value(digits: str, thousand: str) -> float:
    return float(digits.replace(",", "")) * (1000 if thousand else 1)

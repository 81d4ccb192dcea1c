"""Which of the sites of a clause sends, and which receives."""

from __future__ import annotations

import re

from agent.offline.reading import Mention, Reading

SENDING = ("from", "out of", "leaving", "off", "ex", "at donor")
RECEIVING = ("to", "into", "for", "towards", "toward", "in", "at", "reach", "short", "help")


def sites_of(reading: Reading) -> tuple[list[Mention], list[Mention]]:
    """Sites that send, and the others; *from X to Y*, *X to Y* and *between X and Y* name both ends."""
    sending, others = [], []
    mentions = reading.of("SITE")
    for place, mention in enumerate(mentions):
        if (
            re.search(rf"\b(?:{'|'.join(SENDING)})(?: the| our)?$", mention.before)
            or re.search(r"\bbetween(?: the)?$", mention.before)
            or (
                place + 1 < len(mentions)
                and re.match(r"^\W*to\b", mention.after)
                and not re.search(r"\b(?:to|into|at|for)(?: the)?$", mention.before)
            )
        ):
            sending.append(mention)
        else:
            others.append(mention)
    return sending, others

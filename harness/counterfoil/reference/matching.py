"""Whether two customer records are the same company. Pure functions; whoever cannot tell says so instead of guessing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal

Verdict = Literal["same", "other", "doubtful"]

LEGAL_FORMS = frozenset(
    [
        "ag",
        "ab",
        "as",
        "asa",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "eurl",
        "gmbh",
        "inc",
        "incorporated",
        "kg",
        "kk",
        "limited",
        "llc",
        "llp",
        "lp",
        "ltd",
        "mbh",
        "nv",
        "oy",
        "plc",
        "pllc",
        "pte",
        "pty",
        "sa",
        "sarl",
        "sas",
        "se",
        "spa",
        "srl",
        "ug",
    ]
)
NAME_LIMIT = {"erp": 60, "billing": 120, "psa": 80}
"""Characters of a customer's name in each system; the whole one stands beside."""
_SEPARATORS = re.compile(r"[\W_]+")


def normal_name(name: str | None) -> str:
    """A name without case, accents' encoding, punctuation and legal form: `ACME, Inc.` and `Acme Inc` are both `acme`."""
    text = unicodedata.normalize("NFKC", name or "").casefold().replace(".", "").replace("'", "").replace("’", "")
    words = _SEPARATORS.sub(" ", text).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words)


def normal_code(code: str | None) -> str:
    """A tax id or postcode without blanks, dots and case."""
    return re.sub(r"[\W_]+", "", code or "").upper()


def compare(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    postcodes: Iterable[str | None] = (),
    our_postcode: str | None = None,
) -> Verdict:
    """Whether `theirs`, a debtor with sites in these postcodes, is `ours`, a CRM account that is billed at `our_postcode`.

    The account's own id or number decides; then the tax id; then name, country and postcode together. The same name with another
    tax id is another company. The same name in the same country at another address, and no tax id to tell, is doubtful.
    """
    if theirs.get("external_id") == ours["id"] or theirs.get("customer_no") == ours["customer_no"]:
        return "same"
    if theirs.get("status") == "MERGED":
        return "other"
    vat, their_vat = normal_code(ours.get("vat_id")), normal_code(theirs.get("vat_id"))
    if vat and their_vat:
        return "same" if vat == their_vat else "other"
    if normal_name(ours["name"]) != normal_name(theirs["name"]) or ours["country"] != theirs["country"]:
        return "other"
    known = {normal_code(each) for each in postcodes if each}
    if not known or not our_postcode or normal_code(our_postcode) in known:
        return "same"
    return "doubtful"


def shortened(name: str, limit: int) -> str:
    """A name cut at a word boundary where it is longer than `limit`."""
    if len(name) <= limit:
        return name
    cut = name[: limit + 1].rsplit(" ", 1)[0].rstrip()
    return cut if 0 < len(cut) <= limit else name[:limit]

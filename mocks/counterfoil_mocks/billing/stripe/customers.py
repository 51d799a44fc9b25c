"""Customers: what Stripe asks of one, and what the business wants besides."""

from __future__ import annotations

from counterfoil_mocks.billing.stripe.desk import Desk
from counterfoil_mocks.billing.stripe.documents import altered, merged, whole
from counterfoil_mocks.billing.stripe.objects import ADDRESS, CUSTOMER
from counterfoil_mocks.kernel.fields import Record

LONGEST_NAME = 120
DEFAULT_COUNTRY = "US"


@CUSTOMER.on_create
def create(desk: Desk, given: Record) -> Record:
    """A new customer. The business wants a name and a country; where Stripe's caller gives none, stand-ins are kept."""
    said = {name: value for name, value in given.items() if name != "expand" and value is not None}
    said["metadata"] = merged({}, said.get("metadata") or {})
    said["address"] = whole(said.get("address"), tuple(ADDRESS))
    said.setdefault("email", None)
    return desk.insert("customer", _named(said), _columns(_named(said), {}))


@CUSTOMER.on_change
def change(desk: Desk, before: Record, given: Record) -> Record:
    """A customer changed."""
    said = altered(before, given)
    if isinstance(said.get("address"), dict):
        said["address"] = whole(said["address"], tuple(ADDRESS))
    if "name" in said:
        said = _named({**said, "email": said.get("email", before["email"])})
    return desk.change("customer", before["id"], said, _columns(said, before)) if said else before


def _named(said: Record) -> Record:
    """A stand-in for a name that is not given, and the mark that it is none."""
    if said.get("name"):
        return {**said, "unnamed": False}
    return {**said, "name": said.get("email") or said.get("description") or "Unnamed customer", "unnamed": True}


def _columns(said: Record, before: Record) -> Record:
    """What the business reads of a customer."""
    columns: Record = {}
    if "name" in said:
        full = said["name"]
        columns = {"name": full[:LONGEST_NAME], "name_full": full if len(full) > LONGEST_NAME else None}
    country = (said.get("address") or {}).get("country")
    if country and len(country) == 2:
        columns["country"] = country.upper()
    elif not before:
        columns["country"] = DEFAULT_COUNTRY
    if not before:
        metadata = said.get("metadata") or {}
        columns["customer_no"] = metadata.get("customer_no")
    return columns

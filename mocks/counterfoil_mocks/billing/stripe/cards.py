"""Test cards: the tokens that Stripe documents, and what becomes of a charge on each."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil_mocks.billing.stripe import errors
from counterfoil_mocks.kernel.fields import Record


class Card(NamedTuple):
    """A test card. attach, charge: the decline code with which attaching or charging it fails; `action`: it wants authentication;
    `dispute`: a charge succeeds and is disputed."""

    brand: str
    last4: str
    attach: str = ""
    charge: str = ""


CARDS: dict[str, Card] = {
    "visa": Card("visa", "4242"),
    "visa_debit": Card("visa", "5556"),
    "mastercard": Card("mastercard", "4444"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "1117"),
    "chargeDeclined": Card("visa", "0002", "generic_decline", "generic_decline"),
    "chargeDeclinedInsufficientFunds": Card("visa", "9995", "insufficient_funds", "insufficient_funds"),
    "visa_chargeDeclinedInsufficientFunds": Card("visa", "9995", "insufficient_funds", "insufficient_funds"),
    "visa_chargeDeclined": Card("visa", "0002", "generic_decline", "generic_decline"),
    "chargeDeclinedExpiredCard": Card("visa", "0069", "expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": Card("visa", "0127", "incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": Card("visa", "0119", "processing_error", "processing_error"),
    "chargeDeclinedFraudulent": Card("visa", "0019", "fraudulent", "fraudulent"),
    "chargeCustomerFail": Card("visa", "0341", "", "generic_decline"),
    "authenticationRequired": Card("visa", "3220", "", "action"),
    "threeDSecure2Required": Card("visa", "3220", "", "action"),
    "createDispute": Card("visa", "0259", "", "dispute"),
}
NUMBERS = {
    "4242424242424242": "visa",
    "5555555555554444": "mastercard",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000000341": "chargeCustomerFail",
    "4000000000000259": "createDispute",
    "4000002500003155": "authenticationRequired",
}
OWN_CODES = ("authentication_required", "expired_card", "incorrect_cvc", "processing_error")
MESSAGES = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def named(token: str) -> str | None:
    """The card that a token or number stands for."""
    for prefix in ("pm_card_", "tok_", "card_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in CARDS:
            return token.removeprefix(prefix)
    return NUMBERS.get(token.replace(" ", ""))


def declined(decline_code: str, **more: object) -> Record:
    """The `error` of a decline."""
    code = decline_code if decline_code in OWN_CODES else "card_declined"
    error = {
        "type": errors.CARD,
        "code": code,
        "decline_code": decline_code if code in ("authentication_required", "card_declined") else None,
        "message": MESSAGES.get(decline_code, "Your card was declined."),
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        **more,
    }
    return {name: value for name, value in error.items() if value is not None}


def shown(name: str, fingerprint: str) -> Record:
    """The `card` of a payment method."""
    card = CARDS[name]
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": fingerprint,
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }

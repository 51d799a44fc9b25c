"""The four roles, with their actions registered."""

from __future__ import annotations

from counterfoil_mocks.billing import actions as billing_actions
from counterfoil_mocks.crm import actions as crm_actions
from counterfoil_mocks.erp import actions as erp_actions
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.psa import actions as psa_actions

ROLES: dict[str, Role] = {
    "crm": crm_actions.ROLE,
    "psa": psa_actions.ROLE,
    "erp": erp_actions.ROLE,
    "billing": billing_actions.ROLE,
}
"""By name, in the order of their default ports."""

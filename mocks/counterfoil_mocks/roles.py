"""The four roles, with their actions registered and what their native faces say of themselves."""

from __future__ import annotations

from counterfoil_mocks.billing import actions as billing_actions
from counterfoil_mocks.billing import native as billing_native
from counterfoil_mocks.crm import actions as crm_actions
from counterfoil_mocks.crm import native as crm_native
from counterfoil_mocks.erp import actions as erp_actions
from counterfoil_mocks.erp import native as erp_native
from counterfoil_mocks.kernel.native import About
from counterfoil_mocks.kernel.role import Role
from counterfoil_mocks.psa import actions as psa_actions
from counterfoil_mocks.psa import native as psa_native

ROLES: dict[str, Role] = {
    "crm": crm_actions.ROLE,
    "psa": psa_actions.ROLE,
    "erp": erp_actions.ROLE,
    "billing": billing_actions.ROLE,
}
"""By name, in the order of their default ports."""

FACES: dict[str, About] = {
    "crm": crm_native.FACE,
    "psa": psa_native.FACE,
    "erp": erp_native.FACE,
    "billing": billing_native.FACE,
}
"""Native faces by role."""

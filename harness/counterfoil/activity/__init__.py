"""Business deeds by the dozen: sell a deal, staff it, work a month, complete a milestone, change the order, pay.

Plain functions over a `World`: scenarios call them by hand, and everything that lives the firm's business calls the same ones.
They act as the people of the firm; the integration under test does the rest.
"""

from __future__ import annotations

from counterfoil.activity.amending import *  # noqa: F403
from counterfoil.activity.books import *  # noqa: F403
from counterfoil.activity.delivering import *  # noqa: F403
from counterfoil.activity.paying import *  # noqa: F403
from counterfoil.activity.people import *  # noqa: F403
from counterfoil.activity.selling import *  # noqa: F403
from counterfoil.activity.situations import *  # noqa: F403
from counterfoil.activity.terms import *  # noqa: F403

"""Numbers that count a customer's things from 1: short ids for people, of which none is given twice."""

from inventory.models import Counted
from inventory.services.carrying import run

# The row stays locked until the transaction ends, so that numbers without a gap are given one after the other.
_NEXT = """
INSERT INTO inventory_counter AS counter (customer_id, name, last) VALUES (%s, %s, 1)
ON CONFLICT (customer_id, name) DO UPDATE SET last = counter.last + 1
RETURNING last
"""


def next_number(*, customer_id: int, of: Counted) -> int:
    """The next number of this kind of thing."""
    ((number,),) = run(_NEXT, [customer_id, of.value])
    return int(number)

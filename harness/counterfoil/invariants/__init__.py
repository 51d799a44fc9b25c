"""The invariants, one small file each; `counterfoil.invariant.catalogue` finds them."""

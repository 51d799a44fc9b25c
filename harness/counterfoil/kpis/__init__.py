"""The figures, one small file each; `counterfoil.kpi.catalogue` finds them."""

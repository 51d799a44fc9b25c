"""Exploration: stories that nobody wrote, told until one breaks an invariant, then made as short as they can be.

`activity/deeds.py` is what may happen, `telling.py` tells a list of steps and judges it, `shrinking.py` takes away what does not matter,
`searching.py` has Hypothesis make the lists.
"""

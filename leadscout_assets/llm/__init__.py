"""Asks a language model about names that nothing else decides, where an operator switched that on: bounded before it is paid for.

Which names are asked about, and what an answer is worth as evidence, is `names/`'s affair.
"""

"""The rules of the house, as far as a program can check them: `python -m tools.house`.

Each rule is a function from a `House` to findings, in the file of its subject. Format, lint, complexity, types and
import layers are checked by other programs (see the Makefile).
"""

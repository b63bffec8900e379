"""Markup languages: pages to prose, and the residue of markup that sources leave in their text. Pure, `str -> str`."""

"""Korean morphemes. The only package that imports MeCab."""

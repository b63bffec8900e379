"""STAGE 1: raw text -> documents of clean sentences."""

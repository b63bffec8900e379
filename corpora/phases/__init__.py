"""Phases of the corpus stage: what needs all documents, or all of a shard, at once. Each goes over the shards in
parallel."""

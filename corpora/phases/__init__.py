"""Phases of the corpus stage: what needs all documents, or all of a shard. Each goes over the shards in parallel."""

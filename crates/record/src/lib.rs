//! The shard file and the dataset directory: bytes in, bytes out. Knows no pixels.

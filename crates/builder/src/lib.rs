//! Builds record shards from labelled images, verifies them, converts them and gives the files back.

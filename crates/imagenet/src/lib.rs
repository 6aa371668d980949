//! Where raw samples come from: ILSVRC tars and devkit, class folders, flat val, Hugging Face parquet.

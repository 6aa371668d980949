//! Inception-v4 in burn; weights in and out. Knows no files of the data set.

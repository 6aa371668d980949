//! How one image is stored in a record, and how a region of it comes back.

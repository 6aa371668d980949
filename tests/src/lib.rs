//! Makes small sets of real images for the tests.

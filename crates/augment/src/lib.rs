//! Pure functions on pixels: crop geometry, resampling, flips, erasing, normalisation.

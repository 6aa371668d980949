//! Pixel geometry and instruction levels that decoding and augmentation share: regions, planes, the dispatch on a level.

//! Which rectangle to decode so that a wanted one inside it comes out exactly.

use crate::Region;

/// The rectangle that libjpeg-turbo must decode so that the pixels of `wanted` equal those of a
/// full decode of the `width` pixels wide image.
///
/// `mcu_width` is the width in pixels of an interleaved MCU, 8 times the largest horizontal sampling factor. Decoding
/// can start only on a multiple of it. If chroma is subsampled, fancy upsampling also uses the chroma sample on either
/// side. At the rectangle's edges it uses the nearest one inside instead, and a pixel there would differ. So one more
/// chroma sample is decoded. This also makes sure that there are two chroma columns; with fewer, libjpeg-turbo would
/// fall back to replication. Rows need no margin: libjpeg-turbo keeps the context when it skips them.
pub(crate) fn covering(wanted: Region, width: u32, mcu_width: u32) -> Region {
    let factor = mcu_width / 8;
    let margin = if factor > 1 { factor } else { 0 };
    let left = wanted.x.saturating_sub(margin) / mcu_width * mcu_width;
    let right = (wanted.x + wanted.width + margin).min(width);
    Region {
        x: left,
        width: right - left,
        ..wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(x: u32, w: u32, image: u32, mcu: u32) -> (u32, u32) {
        let region = covering(
            Region {
                x,
                y: 5,
                width: w,
                height: 7,
            },
            image,
            mcu,
        );
        assert_eq!((region.y, region.height), (5, 7));
        (region.x, region.x + region.width)
    }

    #[test]
    fn without_subsampling_only_the_left_edge_moves() {
        assert_eq!(span(19, 10, 100, 8), (16, 29));
        assert_eq!(span(16, 84, 100, 8), (16, 100));
    }

    #[test]
    fn with_subsampling_a_chroma_sample_more_on_either_side() {
        assert_eq!(span(32, 10, 100, 16), (16, 44));
        assert_eq!(span(34, 10, 100, 16), (32, 46));
        assert_eq!(span(0, 100, 100, 16), (0, 100));
    }

    #[test]
    fn at_the_edges_of_the_image_at_least_two_chroma_samples_remain() {
        assert_eq!(span(0, 1, 100, 16), (0, 3));
        assert_eq!(span(34, 1, 35, 16), (32, 35));
        assert_eq!(span(33, 1, 34, 16), (16, 34));
    }
}

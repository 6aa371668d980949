//! How many pixels have each level, and which levels are the outermost. Memory is the bottleneck of counting, not
//! arithmetic, so there is one kernel for all processors.

/// How many pixels have each level, for each channel.
pub(crate) type Histograms = [[u32; 256]; 3];

/// There are four sets of counters, one for each of four neighbours, so that consecutive equal levels do not wait for
/// one another's sums.
pub(crate) fn count(pixels: &[u8]) -> Histograms {
    let mut lanes = [[[0u32; 256]; 3]; 4];
    let (quads, rest) = pixels.as_chunks::<12>();
    for quad in quads {
        for (lane, pixel) in lanes.iter_mut().zip(quad.as_chunks::<3>().0) {
            for (histogram, &level) in lane.iter_mut().zip(pixel) {
                histogram[usize::from(level)] += 1;
            }
        }
    }
    for (i, &level) in rest.iter().enumerate() {
        lanes[0][i % 3][usize::from(level)] += 1;
    }
    let [mut sum, others @ ..] = lanes;
    for lane in others {
        for (sum, count) in sum.as_flattened_mut().iter_mut().zip(lane.as_flattened()) {
            *sum += count;
        }
    }
    sum
}

/// The least and the greatest level of each channel; (255, 0) for no pixels.
pub(crate) fn extremes(pixels: &[u8]) -> [(u8, u8); 3] {
    const BLOCK: usize = 48;
    let (mut least, mut most) = ([255; BLOCK], [0; BLOCK]);
    let (blocks, rest) = pixels.as_chunks::<BLOCK>();
    let mut meet = |bytes: &[u8]| {
        for ((least, most), &byte) in least.iter_mut().zip(&mut most).zip(bytes) {
            *least = byte.min(*least);
            *most = byte.max(*most);
        }
    };
    for block in blocks {
        meet(block);
    }
    meet(rest);
    std::array::from_fn(|channel| {
        let of = |bytes: [u8; BLOCK]| bytes.into_iter().skip(channel).step_by(3);
        (
            of(least).min().unwrap_or(255),
            of(most).max().unwrap_or_default(),
        )
    })
}

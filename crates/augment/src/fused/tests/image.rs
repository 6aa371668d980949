//! Images in planes for the tests, and their exact resampled values without rounding.

use super::*;

/// An image in planes. A view of it holds exactly what a crop needs, in an allocation of exactly that size.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) luma: Samples,
    pub(super) chroma: Option<[Samples; 2]>,
    pub(super) ratio: (u32, u32),
}

#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) data: Box<[u8]>,
    pub(super) stride: usize,
    pub(super) region: Region,
}

impl Samples {
    pub(super) fn view(&self) -> Plane<'_> {
        Plane {
            data: &self.data,
            stride: self.stride,
            region: self.region,
        }
    }

    pub(super) fn sample(&self, x: u32, y: u32) -> f64 {
        let (x, y) = ((x - self.region.x) as usize, (y - self.region.y) as usize);
        f64::from(self.data[y * self.stride + x])
    }
}

impl Image {
    /// `sample(plane, x, y)` in the coordinates of each plane.
    pub(super) fn new(
        crop: Region,
        ratio: (u32, u32),
        gray: bool,
        padding: usize,
        mut sample: impl FnMut(usize, u32, u32) -> u8,
    ) -> Self {
        let mut plane = |index, ratio| {
            let frame = Frame {
                crop,
                output: (1, 1),
                flip: false,
            };
            let region = frame.needed(ratio);
            let stride = region.width as usize + padding;
            let len = stride * (region.height as usize - 1) + region.width as usize;
            let data = (0..len).map(|i| {
                let (x, y) = ((i % stride) as u32, (i / stride) as u32);
                sample(index, region.x + x, region.y + y)
            });
            Samples {
                data: data.collect(),
                stride,
                region,
            }
        };
        Image {
            luma: plane(0, (1, 1)),
            chroma: (!gray).then(|| [plane(1, ratio), plane(2, ratio)]),
            ratio,
        }
    }

    pub(super) fn view(&self) -> Planes<'_> {
        Planes {
            // The resampler ignores it.
            image: (0, 0),
            luma: self.luma.view(),
            chroma: self
                .chroma
                .as_ref()
                .map(|planes| planes.each_ref().map(Samples::view)),
            ratio: self.ratio,
        }
    }

    pub(super) fn run(&self, level: Level, crop: Region, size: (u32, u32), flip: bool) -> Vec<u8> {
        let mut out = vec![0x5a; (3 * size.0 * size.1) as usize];
        FusedResampler::with_level(level)
            .run(&self.view(), crop, size.0, size.1, flip, &mut out)
            .unwrap();
        out
    }

    /// The same calculation without any rounding before the end.
    pub(super) fn reference(&self, crop: Region, size: (u32, u32)) -> Vec<[f64; 3]> {
        let plane = |plane: &Samples, ratio: (u32, u32)| {
            let columns = triangle((crop.x, crop.width), ratio.0, size.0);
            let rows = triangle((crop.y, crop.height), ratio.1, size.1);
            let mut out = Vec::new();
            for row in &rows {
                for column in &columns {
                    let sum = row.iter().flat_map(|&(y, down)| {
                        column
                            .iter()
                            .map(move |&(x, across)| down * across * plane.sample(x, y))
                    });
                    out.push(sum.sum::<f64>());
                }
            }
            out
        };
        let luma = plane(&self.luma, (1, 1));
        let Some(chroma) = &self.chroma else {
            return luma.into_iter().map(|y| [y; 3]).collect();
        };
        let [cb, cr] = chroma.each_ref().map(|chroma| plane(chroma, self.ratio));
        let pixels = luma.into_iter().zip(cb.into_iter().zip(cr));
        pixels
            .map(|(y, (cb, cr))| {
                let (cb, cr) = (cb - 128.0, cr - 128.0);
                let green = y - 0.344_136 * cb - 0.714_136 * cr;
                [y + 1.402 * cr, green, y + 1.772 * cb].map(|value| value.clamp(0.0, 255.0))
            })
            .collect()
    }
}

/// Samples and weights of each output.
pub(super) fn triangle(
    (begin, extent): (u32, u32),
    ratio: u32,
    outputs: u32,
) -> Vec<Vec<(u32, f64)>> {
    let (first, end) = (begin / ratio, (begin + extent).div_ceil(ratio));
    let scale = f64::from(extent) / f64::from(ratio) / f64::from(outputs);
    let radius = scale.max(1.0);
    (0..outputs)
        .map(|output| {
            let centre = f64::from(begin) / f64::from(ratio) + (f64::from(output) + 0.5) * scale;
            let height =
                |sample| (1.0 - ((f64::from(sample) + 0.5 - centre) / radius).abs()).max(0.0);
            let sum: f64 = (first..end).map(height).sum();
            (first..end)
                .filter(|&sample| height(sample) > 0.0)
                .map(|sample| (sample, height(sample) / sum))
                .collect()
        })
        .collect()
}

pub(super) fn noise(seed: u32) -> impl FnMut(usize, u32, u32) -> u8 {
    move |plane, x, y| {
        let mixed = (x ^ seed)
            .wrapping_mul(0x9e37_79b1)
            .wrapping_add((y ^ (plane as u32) << 20).wrapping_mul(0x85eb_ca77));
        ((mixed ^ (mixed >> 15)).wrapping_mul(0xc2b2_ae3d) >> 24) as u8
    }
}

/// Something like a photograph: slopes, edges, and a little noise.
pub(super) fn scene(plane: usize, x: u32, y: u32) -> u8 {
    let (x_f, y_f) = (f64::from(x), f64::from(y));
    let wave = 60.0 * (x_f / (17.0 + plane as f64)).sin() + 40.0 * (y_f / 11.0).cos();
    let edge = if (x / 23 + y / 31).is_multiple_of(2) {
        25.0
    } else {
        -25.0
    };
    let grain = f64::from(noise(7)(plane, x, y)) / 32.0;
    (128.0 + wave + edge + grain).clamp(0.0, 255.0) as u8
}

pub(super) fn crops() -> impl Strategy<Value = Region> {
    let side = || prop_oneof![1u32..6, 1u32..80, 60u32..500];
    (0u32..40, 0u32..40, side(), side()).prop_map(|(x, y, width, height)| Region {
        x,
        y,
        width,
        height,
    })
}

pub(super) fn sizes() -> impl Strategy<Value = (u32, u32)> {
    let side = || prop_oneof![1u32..5, 20u32..140];
    (side(), side())
}

pub(super) fn ratios() -> impl Strategy<Value = (u32, u32)> {
    prop::sample::select(vec![(1, 1), (2, 2), (2, 1), (1, 2), (4, 1), (4, 2), (3, 1)])
}

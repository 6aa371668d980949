//! How far training's fast path is from the exact one, over the JPEGs of a directory tree: `cargo run --release -p
//! benches --bin fidelity -- DIR`.
//!
//! Fast: planes of the region, resampled and converted in one pass. Exact: libjpeg-turbo with fancy upsampling, then
//! Pillow's bilinear. Both make the same training crop, mirrored or not, of 299 x 299. This is not a test: real images
//! are not part of the project.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use augment::{Filter, FusedResampler, Job, RandomResizedCrop, Resampler, RgbView, SampleRng};
use codec::{Decoder, Encoding, Native};

const SIDE: u32 = 299;
const BYTES: usize = (3 * SIDE * SIDE) as usize;

fn main() -> Result<()> {
    let Some(root) = std::env::args_os().nth(1) else {
        bail!("usage: fidelity DIR");
    };
    let files = benches::files_below(Path::new(&root))?;
    let mut bench = Bench::new()?;
    let mut by_sampling: BTreeMap<String, Difference> = BTreeMap::new();
    let mut all = Difference::default();
    let mut passed_over = 0;
    for (position, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let compared = bench
            .compare(&bytes, position as u64)
            .with_context(|| file.display().to_string())?;
        let Some((sampling, difference)) = compared else {
            passed_over += 1;
            continue;
        };
        by_sampling.entry(sampling).or_default().add(&difference);
        all.add(&difference);
    }
    ensure!(
        all.images > 0,
        "no JPEG below {}",
        Path::new(&root).display()
    );
    println!(
        "luma samples a chroma sample | images | MAE in levels | PSNR in dB, of the mean square | least PSNR | worst level"
    );
    for (sampling, difference) in &by_sampling {
        difference.print(sampling);
    }
    all.print("all");
    println!("{passed_over} files are no baseline JPEG: there is only one path for them");
    Ok(())
}

struct Bench {
    decoder: Decoder,
    fused: FusedResampler,
    resampler: Resampler,
    fast: Vec<u8>,
    exact: Vec<u8>,
}

impl Bench {
    fn new() -> Result<Self> {
        Ok(Bench {
            decoder: Decoder::new()?,
            fused: FusedResampler::new(),
            resampler: Resampler::new(),
            fast: vec![0; BYTES],
            exact: vec![0; BYTES],
        })
    }

    /// Makes the crop of `position` both ways. `None` if the image has no planes.
    fn compare(&mut self, file: &[u8], position: u64) -> Result<Option<(String, Difference)>> {
        let (encoding, payload) = codec::pack(file, Encoding::Jpeg);
        if encoding != Encoding::Jpeg {
            return Ok(None);
        }
        let info = codec::sniff(file)?;
        let rng = &mut SampleRng::new(0, 0, position);
        let crop = RandomResizedCrop::default().sample(info.width, info.height, rng);
        let flip = rng.chance(0.5);
        let region = Some(crop);
        let native = self.decoder.decode_native(encoding, &payload, region)?;
        let Native::Planes(planes) = native else {
            bail!("the decoder gave no planes");
        };
        let sampling = match planes.chroma {
            Some(_) => format!("{} x {}", planes.ratio.0, planes.ratio.1),
            None => "gray".to_owned(),
        };
        self.fused
            .run(&planes, crop, SIDE, SIDE, flip, &mut self.fast)?;

        let decoded = self.decoder.decode(Encoding::Source, file, region)?;
        let pixels = RgbView::new(decoded.pixels, decoded.stride, decoded.region)?;
        let job = Job::new(crop, SIDE, SIDE, Filter::Bilinear)?.flipped(flip, false);
        self.resampler.run(pixels, &job, &mut self.exact)?;
        Ok(Some((sampling, Difference::of(&self.fast, &self.exact))))
    }
}

/// The differences between images, added up.
#[derive(Default)]
struct Difference {
    images: u32,
    absolute: f64,
    squares: f64,
    least_psnr: Option<f64>,
    worst: u8,
}

impl Difference {
    fn of(one: &[u8], other: &[u8]) -> Self {
        let mut difference = Difference {
            images: 1,
            ..Difference::default()
        };
        for (&a, &b) in one.iter().zip(other) {
            let levels = a.abs_diff(b);
            difference.absolute += f64::from(levels);
            difference.squares += f64::from(levels).powi(2);
            difference.worst = difference.worst.max(levels);
        }
        difference.least_psnr = Some(difference.psnr());
        difference
    }

    fn add(&mut self, other: &Difference) {
        self.images += other.images;
        self.absolute += other.absolute;
        self.squares += other.squares;
        self.worst = self.worst.max(other.worst);
        let both = self.least_psnr.into_iter().chain(other.least_psnr);
        self.least_psnr = both.reduce(f64::min);
    }

    fn values(&self) -> f64 {
        f64::from(self.images) * BYTES as f64
    }

    /// Infinite for equal images.
    fn psnr(&self) -> f64 {
        10.0 * (255.0 * 255.0 * self.values() / self.squares).log10()
    }

    fn print(&self, name: &str) {
        println!(
            "{name:6} | {:4} | {:.3} | {:.2} | {:.2} | {}",
            self.images,
            self.absolute / self.values(),
            self.psnr(),
            self.least_psnr.unwrap_or(f64::INFINITY),
            self.worst
        );
    }
}

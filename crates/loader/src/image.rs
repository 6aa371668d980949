//! From a record to one image of a batch: read, check, decode, resample, augment, normalise. Other modules decide which
//! record comes next, and which worker takes it.

use std::sync::Arc;

use augment::{
    AugmentError, Augmenter, EvalCrop, Filter, FusedResampler, Job as Resample, MixPlan, Normalize,
    Resampler, RgbView, SampleRng, Warp, fill_rect,
};
use codec::{CodecError, Decoder, Encoding, Native, Tables};
use record::{RecordError, Split};

use crate::error::Fault;
use crate::memory::as_floats_mut;
use crate::stats::{Laps, Stage};
use crate::{Decode, LoaderError, Output, Preprocess, Train};

/// How images are made: [`Preprocess`] with size and output.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) size: u32,
    pub(crate) preprocess: Preprocess,
    pub(crate) decode: Decode,
    pub(crate) output: Output,
}

/// The sample to make an image of. Seed, epoch and position key its random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) record: u64,
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    pub(crate) position: u64,
}

/// A stored image: encoded bytes, and the size in pixels according to the index.
pub(crate) struct Encoded<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) payload: &'a [u8],
    pub(crate) size: (u32, u32),
}

/// A decoded image in its own size, and a resampler to cut windows out of it.
#[derive(Debug)]
pub struct WholeImage<'a> {
    /// The class index.
    pub label: u32,
    /// All of its pixels.
    pub pixels: RgbView<'a>,
    /// A resampler that keeps its buffers from image to image.
    pub resampler: &'a mut Resampler,
}

/// The random decisions about a sample that are made before its pixels are decoded.
struct Draw {
    resample: Resample,
    /// Horizontally, vertically.
    flips: (bool, bool),
    /// Whether planes may be resampled in one pass.
    fused: bool,
    /// For the draws that follow once the pixels are there.
    rng: SampleRng,
}

impl Style {
    /// Bytes of one item of a batch, all views of an image; `None` if they exceed the address space.
    pub(crate) fn item_bytes(&self) -> Option<usize> {
        let values = (self.size as usize).checked_pow(2)?.checked_mul(3)?;
        let values = values.checked_mul(self.preprocess.views())?;
        match self.output {
            Output::U8Nhwc => Some(values),
            Output::F32Nchw(_) => values.checked_mul(size_of::<f32>()),
        }
    }

    /// Refuses settings that cannot make any image.
    pub(crate) fn check(&self) -> Result<(), LoaderError> {
        match &self.preprocess {
            Preprocess::Train(Train {
                crop, hflip, vflip, ..
            }) => {
                augment::RandomResizedCrop::new(crop.scale, crop.ratio)?;
                for (what, value) in [("hflip", *hflip), ("vflip", *vflip)] {
                    if !(0.0..=1.0).contains(&value) {
                        let fix = "a probability lies between 0 and 1";
                        return Err(LoaderError::Config {
                            what,
                            value: value.to_string(),
                            fix,
                        });
                    }
                }
            }
            Preprocess::Eval { crop_pct, filter } => {
                EvalCrop::new(self.size, *crop_pct, *filter)?;
            }
        }
        Ok(())
    }

    /// Mixes the images of a finished batch as planned.
    pub(crate) fn mix(&self, plan: &MixPlan, images: &mut [u8]) -> Result<(), AugmentError> {
        match &self.output {
            Output::U8Nhwc => plan.mix_u8(images, self.size, self.size),
            Output::F32Nchw(_) => plan.mix_f32(as_floats_mut(images), self.size, self.size),
        }
    }

    /// The draws come in this order: crop, horizontal flip, vertical flip, then in [`ImageMaker::render`] jitter,
    /// policy and erasing, view by view. A seed's meaning includes this order.
    fn draw(&self, width: u32, height: u32, sample: &Sample) -> Result<Draw, AugmentError> {
        let size = self.size;
        let mut rng = SampleRng::new(sample.seed, sample.epoch, sample.position);
        match &self.preprocess {
            Preprocess::Train(train) => {
                let crop = train.crop.sample(width, height, &mut rng);
                let flips = (rng.chance(train.hflip), rng.chance(train.vflip));
                let resample = Resample::new(crop, size, size, train.filter)?;
                Ok(Draw {
                    resample: resample.flipped(flips.0, flips.1),
                    flips,
                    fused: self.decode == Decode::Fast && train.filter == Filter::Bilinear,
                    rng,
                })
            }
            Preprocess::Eval { crop_pct, filter } => Ok(Draw {
                resample: EvalCrop::new(size, *crop_pct, *filter)?.job(width, height)?,
                flips: (false, false),
                fused: false,
                rng,
            }),
        }
    }
}

/// Makes images one at a time, in buffers that it keeps. Each worker has its own.
pub(crate) struct ImageMaker {
    decoder: Decoder,
    resampler: Resampler,
    fused: FusedResampler,
    augmenter: Augmenter,
    payload: Vec<u8>,
    /// The resampled bytes of an image that is delivered as floats.
    pixels: Vec<u8>,
}

impl ImageMaker {
    /// With the symbol tables that the records share, if there are any.
    pub(crate) fn new(
        style: &Style,
        tables: Option<&Arc<Tables>>,
    ) -> Result<ImageMaker, CodecError> {
        let warp = match &style.preprocess {
            Preprocess::Train(train) => train.warp,
            Preprocess::Eval { .. } => Warp::default(),
        };
        let (payload, pixels) = (Vec::new(), Vec::new());
        let decoder = Decoder::new()?;
        Ok(ImageMaker {
            decoder: match tables {
                Some(tables) => decoder.with_tables(tables.clone()),
                None => decoder,
            },
            resampler: Resampler::new(),
            fused: FusedResampler::new(),
            augmenter: Augmenter::new(warp),
            payload,
            pixels,
        })
    }

    /// Writes the image of `sample`, in all its views, to `out` (`style.item_bytes()` long) and returns its label.
    pub(crate) fn make(
        &mut self,
        split: &Split,
        style: &Style,
        sample: &Sample,
        out: &mut [u8],
        laps: &mut Laps<'_>,
    ) -> Result<u32, Fault> {
        match &style.output {
            Output::U8Nhwc => self.make_bytes(split, style, sample, out, laps),
            Output::F32Nchw(normalize) => {
                let mut pixels = std::mem::take(&mut self.pixels);
                pixels.resize(out.len() / size_of::<f32>(), 0);
                let made = self.make_bytes(split, style, sample, &mut pixels, laps);
                self.pixels = pixels;
                let label = made?;
                let one = self.pixels.len() / style.preprocess.views();
                let views = self.pixels.chunks_exact(one);
                for (pixels, out) in views.zip(out.chunks_exact_mut(one * size_of::<f32>())) {
                    normalize_into(normalize, pixels, out)?;
                }
                laps.lap(Stage::Normalize);
                Ok(label)
            }
        }
    }

    fn make_bytes(
        &mut self,
        split: &Split,
        style: &Style,
        sample: &Sample,
        out: &mut [u8],
        laps: &mut Laps<'_>,
    ) -> Result<u32, Fault> {
        let mut buffer = std::mem::take(&mut self.payload);
        let made = self.make_stored(split, style, sample, &mut buffer, out, laps);
        self.payload = buffer;
        made
    }

    fn make_stored(
        &mut self,
        split: &Split,
        style: &Style,
        sample: &Sample,
        buffer: &mut Vec<u8>,
        out: &mut [u8],
        laps: &mut Laps<'_>,
    ) -> Result<u32, Fault> {
        let missing = || missing(split, sample.record);
        let (shard, index) = split.locate(sample.record).ok_or_else(missing)?;
        let entry = shard.entry(index).ok_or_else(missing)?;
        let payload = shard.bytes(index, buffer)?;
        laps.lap(Stage::Read);
        shard.check(index, payload)?;
        laps.lap(Stage::Checksum);
        let image = Encoded {
            encoding: Encoding::from_tag(entry.encoding)?,
            payload,
            size: (entry.width, entry.height),
        };
        self.render(style, &image, sample, out, laps)?;
        Ok(entry.label)
    }

    /// From encoded bytes to pixels in all views: decode what the crop needs, resample, augment.
    pub(crate) fn render(
        &mut self,
        style: &Style,
        image: &Encoded<'_>,
        sample: &Sample,
        out: &mut [u8],
        laps: &mut Laps<'_>,
    ) -> Result<(), Fault> {
        let (encoding, payload, indexed) = (image.encoding, image.payload, image.size);
        let mut draw = style.draw(indexed.0, indexed.1, sample)?;
        let region = Some(draw.resample.source());
        let native = match draw.fused {
            true => self.decoder.decode_native(encoding, payload, region),
            false => self
                .decoder
                .decode(encoding, payload, region)
                .map(Native::Rgb),
        };
        let native = native.map_err(|error| match error {
            CodecError::Region { width, height, .. } => Fault::Size {
                indexed,
                decoded: (width, height),
            },
            error => Fault::Decode(error),
        })?;
        let (decoded, warned) = match &native {
            Native::Rgb(decoded) => (decoded.image, decoded.warning.is_some()),
            Native::Planes(planes) => (planes.image, false),
        };
        if decoded != indexed {
            return Err(Fault::Size { indexed, decoded });
        }
        laps.image(payload.len() as u64, warned);
        laps.lap(Stage::Decode);

        let size = style.size;
        let (first, others) = out.split_at_mut(out.len() / style.preprocess.views());
        match native {
            Native::Planes(planes) => {
                let crop = draw.resample.source();
                let (mirrored, upside_down) = draw.flips;
                self.fused.run(&planes, crop, size, size, mirrored, first)?;
                if upside_down {
                    flip_rows(first, size as usize * 3);
                }
            }
            Native::Rgb(decoded) => {
                let source = RgbView::new(decoded.pixels, decoded.stride, decoded.region)?;
                self.resampler.run(source, &draw.resample, first)?;
            }
        }
        laps.lap(Stage::Resample);

        if let Preprocess::Train(train) = &style.preprocess {
            let rng = &mut draw.rng;
            for view in others.chunks_exact_mut(first.len()) {
                view.copy_from_slice(first);
            }
            if !train.splits {
                self.recolour(train, size, rng, first)?;
            }
            erase(train, size, rng, first)?;
            for view in others.chunks_exact_mut(first.len()) {
                self.recolour(train, size, rng, view)?;
                erase(train, size, rng, view)?;
            }
            laps.lap(Stage::Augment);
        }
        Ok(())
    }

    /// A whole record, decoded exactly and not scaled yet.
    pub(crate) fn whole<'a>(
        &'a mut self,
        split: &'a Split,
        record: u64,
    ) -> Result<WholeImage<'a>, Fault> {
        let missing = || missing(split, record);
        let (shard, index) = split.locate(record).ok_or_else(missing)?;
        let entry = shard.entry(index).ok_or_else(missing)?;
        let payload = shard.bytes(index, &mut self.payload)?;
        shard.check(index, payload)?;
        let encoding = Encoding::from_tag(entry.encoding)?;
        let decoded = self.decoder.decode(encoding, payload, None)?;
        Ok(WholeImage {
            label: entry.label,
            pixels: RgbView::new(decoded.pixels, decoded.stride, decoded.region)?,
            resampler: &mut self.resampler,
        })
    }

    /// Applies jitter or policy.
    fn recolour(
        &mut self,
        train: &Train,
        size: u32,
        rng: &mut SampleRng,
        image: &mut [u8],
    ) -> Result<(), AugmentError> {
        if let Some(jitter) = &train.jitter {
            for adjustment in jitter.sample(rng) {
                adjustment.apply(image);
            }
        }
        if let Some(policy) = &train.policy {
            self.augmenter.apply(policy, image, size, size, rng)?;
        }
        Ok(())
    }
}

fn missing(split: &Split, record: u64) -> RecordError {
    RecordError::NoSuchRecord {
        place: format!("split {:?}", split.name()),
        record,
        records: split.len(),
    }
}

fn erase(
    train: &Train,
    size: u32,
    rng: &mut SampleRng,
    image: &mut [u8],
) -> Result<(), AugmentError> {
    if let Some(erase) = &train.erase
        && let Some(rect) = erase.erasing.sample(size, size, rng)
    {
        fill_rect(image, size, rect, erase.fill)?;
    }
    Ok(())
}

/// Turns an image upside down.
fn flip_rows(image: &mut [u8], row_bytes: usize) {
    let rows = image.len() / row_bytes;
    let (top, bottom) = image.split_at_mut(rows / 2 * row_bytes);
    let pairs = top
        .chunks_exact_mut(row_bytes)
        .zip(bottom.rchunks_exact_mut(row_bytes));
    pairs.for_each(|(above, below)| above.swap_with_slice(below));
}

fn normalize_into(
    normalize: &Normalize,
    pixels: &[u8],
    out: &mut [u8],
) -> Result<(), AugmentError> {
    normalize.apply(pixels, as_floats_mut(out))
}

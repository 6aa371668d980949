//! Several crops of each image for validation, numbered as in the literature. It only makes pixels: [`super::ensemble`]
//! runs the networks.
//!
//! - 1: the centre of the image, resized so that its short side is size / crop_pct.
//! - 10: the four corners and the centre of that image, and all five mirrored (Krizhevsky et al. 2012;
//!   torchvision's TenCrop).
//! - 144: the image is resized to four sizes; at each size it gives three squares, at its start, middle and end;
//!   each square gives its four corners, its centre and itself resized; each of these is mirrored too (Szegedy et al., "Going deeper
//!   with convolutions", section 7: short sides 256, 288, 320 and 352 for 224 px, here in proportion).
//! - 12: the crops of the middle square at the smallest size. Szegedy et al. 2016 evaluate with 12 crops without saying
//!   which; this is our reading.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::mpsc::sync_channel;
use std::thread;

use augment::{EvalCrop, Filter, Job, Region, Resampler, RgbView};
use loader::{EvalImages, Split};

use super::EvaluateError;
use crate::recipe::Recipe;

/// How many crops of each image a network sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crops {
    /// The centre.
    #[default]
    One,
    /// Corners and centre, also mirrored.
    Ten,
    /// Corners, centre and whole of the middle square, also mirrored.
    Twelve,
    /// The twelve of three squares at four sizes.
    HundredFortyFour,
}

impl Crops {
    /// Their number.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Crops::One => 1,
            Crops::Ten => 10,
            Crops::Twelve => 12,
            Crops::HundredFortyFour => 144,
        }
    }
}

impl FromStr for Crops {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Crops::One),
            "10" => Ok(Crops::Ten),
            "12" => Ok(Crops::Twelve),
            "144" => Ok(Crops::HundredFortyFour),
            _ => Err("expected 1, 10, 12 or 144".to_owned()),
        }
    }
}

/// One image's crops.
pub(crate) struct CroppedImage {
    pub(crate) label: u32,
    /// Packed RGB bytes `[crops, size, size, 3]`.
    pub(crate) pixels: Vec<u8>,
}

/// Makes the crops of one image after another. Each thread has its own maker.
pub(crate) struct CropMaker {
    crops: Crops,
    size: u32,
    centre: EvalCrop,
    filter: Filter,
    images: EvalImages,
}

impl CropMaker {
    /// For the records of `split`.
    pub(crate) fn new(split: &Split, recipe: &Recipe, crops: Crops) -> Result<Self, EvaluateError> {
        let size = recipe.image_resize.get();
        let filter = recipe.interpolation.filter();
        Ok(CropMaker {
            crops,
            size,
            centre: EvalCrop::new(size, recipe.crop_pct, filter)?,
            filter,
            images: EvalImages::of_split(split, size, recipe.crop_pct, filter)?,
        })
    }

    /// The crops of a record.
    pub(crate) fn record(
        &mut self,
        split: &Split,
        record: u64,
    ) -> Result<CroppedImage, EvaluateError> {
        let loaded = self.images.whole(split, record)?;
        let (label, image) = (loaded.label, loaded.pixels);
        let whole = image.region();
        let (width, height) = (whole.width, whole.height);
        let mut crops = CropBuffer {
            size: self.size,
            filter: self.filter,
            resampler: loaded.resampler,
            pixels: Vec::with_capacity(self.crops.count() * bytes(self.size)),
        };
        match self.crops {
            Crops::One => {
                let job = self.centre.job(width, height)?;
                crops.resampled(image, &job)?;
            }
            Crops::Ten => {
                let (width, height) = self.centre.job(width, height)?.scaled_size();
                let resized = Job::new(whole, width, height, self.filter)?;
                for window in corners_and_centre(width, height, self.size) {
                    crops.resampled(image, &resized.window(window)?)?;
                    crops.mirror_last();
                }
            }
            Crops::Twelve => crops.square(image, scales(self.size)[0], Place::Middle)?,
            Crops::HundredFortyFour => {
                for short_side in scales(self.size) {
                    for place in [Place::Start, Place::Middle, Place::End] {
                        crops.square(image, short_side, place)?;
                    }
                }
            }
        }
        Ok(CroppedImage {
            label,
            pixels: crops.pixels,
        })
    }
}

/// Crops as they are made.
struct CropBuffer<'a> {
    size: u32,
    filter: Filter,
    resampler: &'a mut Resampler,
    pixels: Vec<u8>,
}

/// Which square of an image, along its long side.
#[derive(Clone, Copy)]
enum Place {
    Start,
    Middle,
    End,
}

impl CropBuffer<'_> {
    /// Adds the result of `job` on the image.
    fn resampled(&mut self, image: RgbView<'_>, job: &Job) -> Result<(), EvaluateError> {
        let from = self.pixels.len();
        self.pixels.resize(from + bytes(self.size), 0);
        self.resampler.run(image, job, &mut self.pixels[from..])?;
        Ok(())
    }

    /// Adds the last crop again, with left and right swapped.
    fn mirror_last(&mut self) {
        let from = self.pixels.len() - bytes(self.size);
        let row = self.size as usize * 3;
        for y in 0..self.size as usize {
            for x in (0..row).step_by(3).rev() {
                let at = from + y * row + x;
                self.pixels.extend_from_within(at..at + 3);
            }
        }
    }

    /// Adds the twelve crops of one square of the image. The image's short side is resized first.
    fn square(
        &mut self,
        image: RgbView<'_>,
        short_side: u32,
        place: Place,
    ) -> Result<(), EvaluateError> {
        let region = image.region();
        let resized =
            EvalCrop::new(short_side, 1.0, self.filter)?.job(region.width, region.height)?;
        let (width, height) = resized.scaled_size();
        let along = |extent: u32| match place {
            Place::Start => 0,
            Place::Middle => (extent - short_side) / 2,
            Place::End => extent - short_side,
        };
        let window = Region {
            x: along(width),
            y: along(height),
            width: short_side,
            height: short_side,
        };
        let mut square = vec![0; bytes(short_side)];
        self.resampler
            .run(image, &resized.window(window)?, &mut square)?;

        let whole = Region::whole(short_side, short_side);
        let square = RgbView::new(&square, short_side as usize * 3, whole)?;
        // Resampling to the same size copies.
        let same = Job::new(whole, short_side, short_side, self.filter)?;
        for window in corners_and_centre(short_side, short_side, self.size) {
            self.resampled(square, &same.window(window)?)?;
            self.mirror_last();
        }
        let smaller = Job::new(whole, self.size, self.size, self.filter)?;
        self.resampled(square, &smaller)?;
        self.mirror_last();
        Ok(())
    }
}

/// Bytes of a square RGB image.
fn bytes(side: u32) -> usize {
    (side as usize).pow(2) * 3
}

/// Top left, top right, bottom left, bottom right, centre.
fn corners_and_centre(width: u32, height: u32, size: u32) -> [Region; 5] {
    let (right, bottom) = (width - size, height - size);
    let corners = [
        (0, 0),
        (right, 0),
        (0, bottom),
        (right, bottom),
        (right / 2, bottom / 2),
    ];
    corners.map(|(x, y)| Region {
        x,
        y,
        width: size,
        height: size,
    })
}

/// The short sides of GoogLeNet's multi-crop evaluation, for networks of `size` px.
fn scales(size: u32) -> [u32; 4] {
    [256, 288, 320, 352].map(|side| size * side / 224)
}

/// Makes the crops of all images of a split on `workers` threads and hands them to `each` in the split's order,
/// until `each` returns false. Only a few images are in memory at a time.
///
/// # Errors
/// `each` fails, or a [`CropMaker`] cannot be made.
pub(crate) fn crop_all(
    split: &Split,
    recipe: &Recipe,
    crops: Crops,
    workers: NonZeroUsize,
    mut each: impl FnMut(Result<CroppedImage, EvaluateError>) -> Result<bool, EvaluateError>,
) -> Result<(), EvaluateError> {
    let makers = (0..workers.get())
        .map(|_| CropMaker::new(split, recipe, crops))
        .collect::<Result<Vec<_>, _>>()?;
    thread::scope(|scope| {
        // Each worker makes every n-th image. Taking from them in turn gives the split's order.
        let queues: Vec<_> = makers
            .into_iter()
            .enumerate()
            .map(|(first, mut maker)| {
                let (out, queue) = sync_channel(1);
                scope.spawn(move || {
                    for record in (first as u64..split.len()).step_by(workers.get()) {
                        if out.send(maker.record(split, record)).is_err() {
                            return; // the receiver has stopped
                        }
                    }
                });
                queue
            })
            .collect();
        for record in 0..split.len() {
            let queue = &queues[(record % workers.get() as u64) as usize];
            // A queue that closes too early means that a worker panicked; the scope passes the panic on.
            let Ok(cropped) = queue.recv() else { break };
            if !each(cropped)? {
                break;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scales_are_googlenets_in_proportion() {
        assert_eq!(scales(224), [256, 288, 320, 352]);
        assert_eq!(scales(299), [341, 384, 427, 469]);
    }

    #[test]
    fn corners_and_centre_lie_where_they_should() {
        let at = corners_and_centre(400, 341, 299).map(|window| (window.x, window.y));
        assert_eq!(at, [(0, 0), (101, 0), (0, 42), (101, 42), (50, 21)]);
    }

    #[test]
    fn mirrored_crops_are_mirrored() {
        let mut resampler = Resampler::new();
        let mut crops = CropBuffer {
            size: 2,
            filter: Filter::Bilinear,
            resampler: &mut resampler,
            pixels: vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        };
        crops.mirror_last();
        assert_eq!(crops.pixels[12..], [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    }
}

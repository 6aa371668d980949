//! The operations of augmentation policies, on RGB images in place. `policy` draws what to apply, and how strongly; an
//! [`Op`] is already decided.
//!
//! Every operation gives the same bytes as Pillow, for images that Pillow itself computes in 16.16 fixed point (all
//! coordinates below 32768).

mod affine;
mod blur;
mod chain;
mod levels;
mod sharpen;
mod warp;

pub(crate) use chain::{Frame, Scratch, run};

/// One operation and its argument. Names are those of the AutoAugment paper (arXiv:1805.09501, table 6), arguments
/// those of Pillow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Leaves the image unchanged.
    #[default]
    Identity,
    /// Pixel (x, y) is read at (x + `factor` y, y).
    ShearX(f64),
    /// Pixel (x, y) is read at (x, y + `factor` x).
    ShearY(f64),
    /// Pixel (x, y) is read this many pixels further right.
    TranslateX(f64),
    /// Pixel (x, y) is read this many pixels further down.
    TranslateY(f64),
    /// As [`Op::TranslateX`], in widths of the image.
    TranslateXRel(f64),
    /// As [`Op::TranslateY`], in heights of the image.
    TranslateYRel(f64),
    /// Degrees counterclockwise about the centre, `Image.rotate`.
    Rotate(f64),
    /// Stretches each channel to 0..=255, `ImageOps.autocontrast` without cutoff.
    AutoContrast,
    /// Flattens the histogram of each channel, `ImageOps.equalize`.
    Equalize,
    /// `ImageOps.invert`.
    Invert,
    /// Keeps this many of the high bits of each level; 8 and more keep all. 0 gives black, as in TensorFlow's policies
    /// (`ImageOps.posterize` refuses it).
    Posterize(u8),
    /// Inverts levels at or above the threshold, `ImageOps.solarize`; 256 inverts none.
    Solarize(u16),
    /// Adds to levels below 128, saturating; from EfficientNet's policies.
    SolarizeAdd(u8),
    /// `ImageEnhance.Color`: 0 is gray, 1 leaves the image unchanged, more saturates.
    Color(f32),
    /// `ImageEnhance.Contrast`: 0 is the gray of the mean luma.
    Contrast(f32),
    /// `ImageEnhance.Brightness`: 0 is black.
    Brightness(f32),
    /// `ImageEnhance.Sharpness`: 0 is `ImageFilter.SMOOTH`. The outermost pixels never change.
    Sharpness(f32),
    /// `ImageFilter.GaussianBlur` of this many pixels; 0 and less leave the image unchanged.
    GaussianBlur(f32),
}

/// How shears, translations and rotations read pixels between pixel centres and beyond the image.
///
/// The default takes the nearest pixel, as torchvision's policies do (timm and MindCV use the interpolation of the
/// recipe). It fills with the rounded mean of ImageNet, as timm and MindCV do (torchvision: black).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Warp {
    /// How to compute a pixel from those around the place where it is read.
    pub interpolation: Interpolation,
    /// Red, green, blue for places beyond the image.
    pub fill: [u8; 3],
}

/// Interpolation of a [`Warp`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interpolation {
    /// The pixel that contains the place.
    #[default]
    Nearest,
    /// Linear between the centres of the four pixels around it, in double precision, truncated.
    Bilinear,
}

impl Default for Warp {
    fn default() -> Self {
        Warp {
            interpolation: Interpolation::Nearest,
            fill: [124, 116, 104],
        }
    }
}

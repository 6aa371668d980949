//! Images prepared for evaluation one at a time, outside of any pipeline. `predict` shows them to a network, and a
//! multi-crop evaluation cuts its crops from them. There are no threads and no batches.

use std::sync::Arc;

use augment::Filter;
use codec::{Encoding, Tables, sniff};
use record::Split;

use crate::error::{Fault, SampleError};
use crate::image::{Encoded, ImageMaker, Sample, Style, WholeImage};
use crate::stats::{Laps, WorkerStats};
use crate::{Decode, LoaderError, Output, Preprocess};

/// Prepares single images exactly as [`LoaderConfig::evaluate`](crate::LoaderConfig::evaluate) prepares
/// those of a batch.
pub struct EvalImages {
    style: Style,
    maker: ImageMaker,
    stats: WorkerStats,
}

impl EvalImages {
    /// For image files, and for records that share no symbol tables. `size` is the side of the results in pixels;
    /// `crop_pct` and `filter` mean the same as in [`Preprocess::Eval`].
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(size: u32, crop_pct: f64, filter: Filter) -> Result<EvalImages, LoaderError> {
        EvalImages::with_tables(size, crop_pct, filter, None)
    }

    /// Like [`EvalImages::new`], for the records of `split`.
    ///
    /// # Errors
    /// A setting is out of range, or the symbol tables of the split are not valid.
    pub fn of_split(
        split: &Split,
        size: u32,
        crop_pct: f64,
        filter: Filter,
    ) -> Result<EvalImages, LoaderError> {
        let tables = split.tables().map(Tables::parse).transpose();
        let tables = tables.map_err(LoaderError::Decoder)?.map(Arc::new);
        EvalImages::with_tables(size, crop_pct, filter, tables)
    }

    fn with_tables(
        size: u32,
        crop_pct: f64,
        filter: Filter,
        tables: Option<Arc<Tables>>,
    ) -> Result<EvalImages, LoaderError> {
        let style = Style {
            size,
            preprocess: Preprocess::Eval { crop_pct, filter },
            decode: Decode::Exact,
            output: Output::U8Nhwc,
        };
        style.check()?;
        let maker = ImageMaker::new(&style, tables.as_ref()).map_err(LoaderError::Decoder)?;
        Ok(EvalImages {
            style,
            maker,
            stats: WorkerStats::default(),
        })
    }

    /// The centre of an image file (JPEG or PNG), as packed RGB bytes `[size, size, 3]`.
    ///
    /// # Errors
    /// The bytes are not an image that can be decoded.
    pub fn file(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let info = sniff(bytes)?;
        let image = Encoded {
            encoding: Encoding::Source,
            payload: bytes,
            size: (info.width, info.height),
        };
        let mut pixels = vec![0; (self.style.size as usize).pow(2) * 3];
        let mut laps = Laps::start(&self.stats);
        self.maker.render(
            &self.style,
            &image,
            &Sample::default(),
            &mut pixels,
            &mut laps,
        )?;
        Ok(pixels)
    }

    /// A whole record, decoded exactly and not scaled yet, for callers that cut several windows out of it.
    ///
    /// # Errors
    /// The record is missing, damaged, or cannot be decoded.
    pub fn whole<'a>(
        &'a mut self,
        split: &'a Split,
        record: u64,
    ) -> Result<WholeImage<'a>, Box<SampleError>> {
        self.maker
            .whole(split, record)
            .map_err(|fault| Box::new(SampleError::new(split, record, fault)))
    }
}

//! The samples of a plane that a crop needs. Coordinates are those of the component's whole plane. Owns nothing and
//! converts nothing.

use super::error::FusedError;
use crate::{Plane, Region};

/// The part of a plane that a crop needs.
#[derive(Clone, Copy)]
pub(super) struct Cut<'a> {
    data: &'a [u8],
    stride: usize,
    samples: usize,
}

impl<'a> Cut<'a> {
    /// Cuts `needed` out of `plane`. Errors call the plane `name`.
    pub(super) fn of(
        plane: Plane<'a>,
        name: &'static str,
        needed: Region,
    ) -> Result<Self, FusedError> {
        let Plane {
            data,
            stride,
            region,
        } = plane;
        if !needed.is_inside(&region) {
            return Err(FusedError::NotCovered {
                plane: name,
                needed,
                available: region,
            });
        }
        let row = region.width as usize;
        let bytes = stride
            .max(row)
            .saturating_mul(region.height as usize - 1)
            .saturating_add(row);
        if stride < row || data.len() < bytes {
            return Err(FusedError::ShortPlane {
                plane: name,
                width: region.width,
                height: region.height,
                stride,
                needed: bytes,
                actual: data.len(),
            });
        }
        let begin = (needed.y - region.y) as usize * stride + (needed.x - region.x) as usize;
        Ok(Cut {
            data: &data[begin..],
            stride,
            samples: needed.width as usize,
        })
    }

    /// Row `row` of the cut, with `reach` bytes in all; the bytes behind the row have no meaning. Usually they are the
    /// ones in memory. If the memory ends too early, the row is copied to `spare`, whose bytes follow it.
    pub(super) fn row<'b>(&self, row: usize, reach: usize, spare: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        let bytes = &self.data[row * self.stride..];
        if bytes.len() >= reach {
            return bytes;
        }
        if spare.len() < reach {
            spare.resize(reach, 0);
        }
        spare[..self.samples].copy_from_slice(&bytes[..self.samples]);
        spare
    }
}

//! The binding of libjpeg-turbo (TurboJPEG 3 API): all FFI of this crate, behind types that cannot be
//! misused into reading or writing out of bounds.
//!
//! It handles buffers, sizes and libjpeg-turbo's own messages. Its callers decide what to decode, and what an error
//! means for the image.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{self, NonNull};

use turbojpeg::raw;

use crate::Region;
use crate::kind::MAX_PIXELS;

/// A file with more scans than this is an attack, not a picture. libjpeg-turbo's own tools use this limit when asked to
/// (`TJFLAG_LIMITSCANS`), and ordinary progressive files have ten.
const MAX_SCANS: c_int = 500;

/// Order and number of a pixel's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PixelFormat {
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black, as stored in the file.
    Cmyk,
}

impl PixelFormat {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    const fn raw(self) -> c_int {
        match self {
            Self::Rgb => raw::TJPF_TJPF_RGB as c_int,
            Self::Cmyk => raw::TJPF_TJPF_CMYK as c_int,
        }
    }
}

/// Decompresses JPEG files, one after another, each as if it were the first.
///
/// A TurboJPEG instance keeps Huffman and quantisation tables, the cropping region, and after an error in a header even
/// its parsing state, for the next file. The pixels of a damaged or abbreviated file would then depend on the file
/// before it, and so on which thread decoded it. So every file gets its own instance; making one takes about a
/// microsecond.
pub(crate) struct Decompressor {
    instance: Instance,
    used: bool,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self, String> {
        Ok(Self {
            instance: Self::instance()?,
            used: false,
        })
    }

    /// Reads the header of the file `jpeg`. The error is libjpeg-turbo's message.
    pub(crate) fn open<'a>(&'a mut self, jpeg: &'a [u8]) -> Result<OpenJpeg<'a>, String> {
        if self.used {
            self.instance = Self::instance()?;
        }
        self.used = true;
        let instance = &mut self.instance;
        // SAFETY: the handle is live and made for decompression; pointer and length are those of a
        // slice that outlives the call, which only reads it.
        let status = unsafe {
            raw::tj3DecompressHeader(instance.handle(), jpeg.as_ptr(), jpeg.len() as raw::size_t)
        };
        // Only a header that was read whole sets these three; until then they are negative.
        let size = [
            raw::TJPARAM_TJPARAM_JPEGWIDTH,
            raw::TJPARAM_TJPARAM_JPEGHEIGHT,
        ]
        .map(|param| u32::try_from(instance.get(param)).unwrap_or(0));
        if size.contains(&0) || instance.get(raw::TJPARAM_TJPARAM_COLORSPACE) < 0 {
            return Err(if status == 0 {
                "the file holds no image".to_owned()
            } else {
                instance.message()
            });
        }
        if status != 0 && !instance.has_warned() {
            return Err(instance.message());
        }
        Ok(OpenJpeg {
            width: size[0],
            height: size[1],
            instance,
            jpeg,
        })
    }

    fn instance() -> Result<Instance, String> {
        let mut instance = Instance::new(raw::TJINIT_TJINIT_DECOMPRESS as c_int)?;
        // Colour profiles are not used: do not collect them.
        instance.set(raw::TJPARAM_TJPARAM_SAVEMARKERS, 0)?;
        instance.set(raw::TJPARAM_TJPARAM_SCANLIMIT, MAX_SCANS)?;
        instance.set(raw::TJPARAM_TJPARAM_MAXPIXELS, MAX_PIXELS as c_int)?;
        Ok(instance)
    }
}

/// A JPEG file whose header has been read.
pub(crate) struct OpenJpeg<'a> {
    instance: &'a mut Instance,
    jpeg: &'a [u8],
    width: u32,
    height: u32,
}

impl OpenJpeg<'_> {
    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Whether a part can be decompressed. Files with unusual sampling factors can only be decompressed whole.
    pub(crate) fn can_crop(&self) -> bool {
        self.instance.get(raw::TJPARAM_TJPARAM_SUBSAMP) != raw::TJSAMP_TJSAMP_UNKNOWN
    }

    /// Decompresses `region` into `pixels`, which must be exactly as large. Unless the region is the
    /// whole image, its left edge must be a multiple of the MCU's width.
    ///
    /// Returns the first warning, if there was one: all pixels are then written, some of them guessed (gray, as a
    /// rule). The error is libjpeg-turbo's message; `pixels` is then unspecified.
    pub(crate) fn decompress(
        self,
        region: Region,
        format: PixelFormat,
        pixels: &mut [u8],
    ) -> Result<Option<String>, String> {
        let row = region.width as usize * format.bytes();
        if !region.is_inside(&Region::whole(self.width, self.height))
            || row.checked_mul(region.height as usize) != Some(pixels.len())
        {
            return Err(format!(
                "{} bytes are not the size of region {region}",
                pixels.len()
            ));
        }
        let pitch =
            c_int::try_from(row).map_err(|_| format!("rows of {row} bytes are too long"))?;
        if region != Region::whole(self.width, self.height) {
            self.crop_to(region)?;
        }
        // After a warning, TurboJPEG reports even an error that ended decompression as a warning. Rows are written in
        // order, so the last row tells the two apart: if it was written, it differs from the mark put there before. If
        // it does not differ, it may by chance have been written with exactly that mark. A second run with another mark
        // rules this out.
        let last_row = pixels.len() - row;
        let mut message = String::new();
        for mark in [0xA5, 0x5A] {
            pixels[last_row..].fill(mark);
            // SAFETY: the handle is live and made for decompression. `jpeg` is the slice whose header
            // `open` read, borrowed since then and therefore unchanged, so libjpeg-turbo finds the
            // same dimensions in it again. It writes `region.height` rows (all rows if there is no
            // cropping region: then `region` is the whole image) of `pitch` bytes; `pixels` has
            // just that many, checked above. Both slices outlive the call.
            let status = unsafe {
                raw::tj3Decompress8(
                    self.instance.handle(),
                    self.jpeg.as_ptr(),
                    self.jpeg.len() as raw::size_t,
                    pixels.as_mut_ptr(),
                    pitch,
                    format.raw(),
                )
            };
            if status == 0 {
                return Ok(None);
            }
            message = self.instance.message();
            if !self.instance.has_warned() {
                return Err(message);
            }
            if pixels[last_row..].iter().any(|&byte| byte != mark) {
                return Ok(Some(message));
            }
        }
        Err(message)
    }

    fn crop_to(&self, region: Region) -> Result<(), String> {
        // No image has sides beyond 65,535 pixels, and the region lies inside it.
        let [x, y, w, h] = [region.x, region.y, region.width, region.height].map(|n| n as c_int);
        // SAFETY: the handle is live; the region is passed by value and checked by the callee.
        let status = unsafe {
            raw::tj3SetCroppingRegion(self.instance.handle(), raw::tjregion { x, y, w, h })
        };
        if status == 0 {
            Ok(())
        } else {
            Err(self.instance.message())
        }
    }
}

/// Compresses `pixels`, `width` x `height` of them without padding, with `params`: pairs of a TurboJPEG parameter and
/// its value. The error is libjpeg-turbo's message.
pub(crate) fn compress(
    pixels: &[u8],
    (width, height): (u32, u32),
    format: PixelFormat,
    params: &[(raw::TJPARAM, c_int)],
) -> Result<Vec<u8>, String> {
    let size = (width as usize)
        .checked_mul(height as usize)
        .and_then(|n| n.checked_mul(format.bytes()));
    if size != Some(pixels.len()) {
        return Err(format!(
            "{} bytes are not {width} x {height} pixels",
            pixels.len()
        ));
    }
    let [w, h] = [width, height].map(c_int::try_from);
    let (Ok(w), Ok(h)) = (w, h) else {
        return Err("the sides are too long".to_owned());
    };
    let mut instance = Instance::new(raw::TJINIT_TJINIT_COMPRESS as c_int)?;
    for &(param, value) in params {
        instance.set(param, value)?;
    }
    let mut output = TurboBuffer {
        start: ptr::null_mut(),
        length: 0,
    };
    // SAFETY: the handle is live and made for compression; `pixels` holds `height` rows of `width`
    // pixels of this format (checked above; pitch 0 means rows without padding) and is only read.
    // The output pointer is null, so that TurboJPEG allocates and owns up to `length`.
    let status = unsafe {
        raw::tj3Compress8(
            instance.handle(),
            pixels.as_ptr(),
            w,
            0,
            h,
            format.raw(),
            &raw mut output.start,
            &raw mut output.length,
        )
    };
    if status != 0 {
        return Err(instance.message());
    }
    Ok(output.to_vec())
}

/// The same coefficients as a baseline file with its own Huffman tables, without metadata. The error is libjpeg-turbo's
/// message, or its warning, because then it guessed some coefficients.
pub(crate) fn to_baseline(jpeg: &[u8]) -> Result<Vec<u8>, String> {
    let mut instance = Instance::new(raw::TJINIT_TJINIT_TRANSFORM as c_int)?;
    instance.set(raw::TJPARAM_TJPARAM_SCANLIMIT, MAX_SCANS)?;
    instance.set(raw::TJPARAM_TJPARAM_MAXPIXELS, MAX_PIXELS as c_int)?;
    let [x, y, w, h] = [0; 4];
    let transform = raw::tjtransform {
        r: raw::tjregion { x, y, w, h },
        op: raw::TJXOP_TJXOP_NONE as c_int,
        options: (raw::TJXOPT_OPTIMIZE | raw::TJXOPT_COPYNONE) as c_int,
        data: ptr::null_mut(),
        customFilter: None,
    };
    let mut output = TurboBuffer {
        start: ptr::null_mut(),
        length: 0,
    };
    // SAFETY: the handle is live and made for transforms; pointer and length are those of a slice that
    // is only read. There is one output, one size and one transform, as the count says, all of which
    // outlive the call; the output pointer is null, so that TurboJPEG allocates.
    let status = unsafe {
        raw::tj3Transform(
            instance.handle(),
            jpeg.as_ptr(),
            jpeg.len() as raw::size_t,
            1,
            &raw mut output.start,
            &raw mut output.length,
            &raw const transform,
        )
    };
    if status != 0 {
        return Err(instance.message());
    }
    Ok(output.to_vec())
}

/// A buffer that TurboJPEG allocated.
struct TurboBuffer {
    start: *mut u8,
    length: raw::size_t,
}

impl TurboBuffer {
    fn to_vec(&self) -> Vec<u8> {
        if self.start.is_null() {
            return Vec::new();
        }
        // SAFETY: TurboJPEG set both: `length` bytes of compressed data begin at `start`, and
        // nothing else refers to them.
        unsafe { std::slice::from_raw_parts(self.start, self.length as usize) }.to_vec()
    }
}

impl Drop for TurboBuffer {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or came from TurboJPEG's allocator, and is freed once.
        unsafe { raw::tj3Free(self.start.cast()) }
    }
}

/// A TurboJPEG instance.
struct Instance(NonNull<c_void>);

// SAFETY: an instance has no tie to the thread that made it. It is not `Sync`: one thread at a time.
unsafe impl Send for Instance {}

impl Instance {
    fn new(purpose: c_int) -> Result<Self, String> {
        // SAFETY: any number is allowed; a wrong one gives null.
        let handle = unsafe { raw::tj3Init(purpose) };
        NonNull::new(handle)
            .map(Self)
            .ok_or_else(|| "libjpeg-turbo cannot allocate an instance".to_owned())
    }

    fn handle(&self) -> raw::tjhandle {
        self.0.as_ptr()
    }

    fn set(&mut self, param: raw::TJPARAM, value: c_int) -> Result<(), String> {
        // SAFETY: the handle is live; parameter and value are checked by the callee.
        let status = unsafe { raw::tj3Set(self.handle(), param as c_int, value) };
        if status == 0 {
            Ok(())
        } else {
            Err(self.message())
        }
    }

    fn get(&self, param: raw::TJPARAM) -> c_int {
        // SAFETY: the handle is live; an unknown parameter gives -1.
        unsafe { raw::tj3Get(self.handle(), param as c_int) }
    }

    /// Whether the last call warned.
    fn has_warned(&self) -> bool {
        // SAFETY: the handle is live; the call only reads it.
        let code = unsafe { raw::tj3GetErrorCode(self.handle()) };
        code == raw::TJERR_TJERR_WARNING as c_int
    }

    /// The message of the last call that failed or warned on this thread.
    fn message(&self) -> String {
        // SAFETY: the handle is live; the result is never null and points to a terminated string in
        // the instance or in thread-local memory, which no other call overwrites before it is copied.
        let message = unsafe { CStr::from_ptr(raw::tj3GetErrorStr(self.handle())) };
        message.to_string_lossy().into_owned()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the handle is live and never used again.
        unsafe { raw::tj3Destroy(self.handle()) }
    }
}

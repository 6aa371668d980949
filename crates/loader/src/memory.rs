//! The memory of a slot: lines of bytes that may lie on huge pages, and bytes read as floats. The ring decides who may
//! use it when.

use std::mem::MaybeUninit;

/// Asks for huge pages in memory that has not been touched yet. A batch of 8.6 MB then takes 5 page
/// faults and TLB entries instead of 2100. This is a hint; nothing depends on its success.
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) fn prefer_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    /// `madvise` wants its range to start at a multiple of this, at least on x86-64 and most of AArch64.
    const PAGE: usize = 4096;
    let bytes = memory.as_mut_ptr().cast::<u8>();
    let skipped = bytes.align_offset(PAGE);
    if let Some(length) = size_of_val(memory).checked_sub(skipped) {
        // SAFETY: the range from `skipped` on lies within `memory`, which is borrowed exclusively and
        // uninitialised, and this advice changes no content.
        let _ = unsafe {
            rustix::mm::madvise(
                bytes.add(skipped).cast(),
                length,
                rustix::mm::Advice::LinuxHugepage,
            )
        };
    }
}

// Miri does not know `madvise`.
#[cfg(any(not(target_os = "linux"), miri))]
pub(crate) fn prefer_huge_pages<T>(_memory: &mut [MaybeUninit<T>]) {}

/// Reads the bytes as floats, in the machine's byte order: what [`as_floats_mut`] wrote.
pub(crate) fn as_floats(bytes: &[u8]) -> &[f32] {
    // SAFETY: every bit pattern is a valid `f32`.
    let (unaligned, floats, rest) = unsafe { bytes.align_to() };
    debug_assert!(
        unaligned.is_empty() && rest.is_empty(),
        "items of floats are whole floats in aligned slots"
    );
    floats
}

/// Like [`as_floats`], for writing.
pub(crate) fn as_floats_mut(bytes: &mut [u8]) -> &mut [f32] {
    // SAFETY: every bit pattern is a valid `f32`, and every `f32` is four valid bytes.
    let (unaligned, floats, rest) = unsafe { bytes.align_to_mut() };
    debug_assert!(
        unaligned.is_empty() && rest.is_empty(),
        "items of floats are whole floats in aligned slots"
    );
    floats
}

//! Reads the table of synsets in the devkit's `meta.mat` (MATLAB level 5), and nothing else of that format.
//! Every length is checked against the available bytes, so garbage gives an error, never a panic or a large allocation.
//!
//! Format facts: MathWorks, "MAT-File Format" (Level 5).

use std::io::Read;

/// One row of the struct array `synsets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synset {
    /// `ILSVRC2012_ID`: the devkit's own numbering, 1 to 1000 for the classes; not the sorted order.
    pub(crate) id: u32,
    /// `WNID`, such as `n02119789`.
    pub(crate) wnid: String,
    /// `words`: lemmas, comma-separated.
    pub(crate) words: String,
    /// `num_children`; 0 for the classes, more for inner nodes of the hierarchy.
    pub(crate) children: u32,
}

/// Why a file is not the devkit's `meta.mat`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MatError {
    #[error("not a MATLAB level 5 file; take meta.mat from ILSVRC2012_devkit_t12.tar.gz")]
    NotMat,
    #[error(
        "a MATLAB 7.3 (HDF5) file; save it with -v7, or take meta.mat from ILSVRC2012_devkit_t12.tar.gz"
    )]
    Hdf5,
    #[error(
        "a big-endian MATLAB file, which is not supported; take meta.mat from ILSVRC2012_devkit_t12.tar.gz"
    )]
    BigEndian,
    #[error("cut off: {0} reaches beyond the end")]
    Truncated(&'static str),
    #[error("inflates to more than {MAX_INFLATED} bytes")]
    TooLarge,
    #[error("damaged: {0}")]
    Malformed(&'static str),
    #[error("has no struct array named synsets")]
    NoSynsets,
    #[error("synsets has no field {0}")]
    NoField(&'static str),
}

const HEADER: usize = 128;
/// The devkit's file inflates to about 3 MB.
const MAX_INFLATED: u64 = 64 << 20;

/// Element types (`mi…` in the format's description).
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// Array classes (`mx…`).
const STRUCT: u8 = 2;
const CHAR: u8 = 4;

/// All rows of `synsets`, in file order.
pub(crate) fn read_synsets(file: &[u8]) -> Result<Vec<Synset>, MatError> {
    let (header, body) = file.split_at_checked(HEADER).ok_or(MatError::NotMat)?;
    match &header[124..] {
        [0x00, 0x01, b'I', b'M'] => {}
        [0x00, 0x02, b'I', b'M'] => return Err(MatError::Hdf5),
        [_, _, b'M', b'I'] => return Err(MatError::BigEndian),
        _ => return Err(MatError::NotMat),
    }
    let mut budget = MAX_INFLATED;
    let mut elements = Elements { rest: body };
    while !elements.rest.is_empty() {
        let element = elements.next("a variable")?;
        let inflated;
        let matrix = match element.kind {
            COMPRESSED => {
                inflated = inflate(element.data, &mut budget)?;
                Elements { rest: &inflated }.next("a compressed variable")?
            }
            _ => element,
        };
        if matrix.kind != MATRIX {
            continue;
        }
        let matrix = Matrix::parse(matrix.data)?;
        if matrix.name == b"synsets" && matrix.class == STRUCT {
            return rows(matrix);
        }
    }
    Err(MatError::NoSynsets)
}

fn rows(matrix: Matrix<'_>) -> Result<Vec<Synset>, MatError> {
    let mut parts = matrix.body;
    let fields = field_names(&mut parts)?;
    let position = |name: &'static str| {
        fields
            .iter()
            .position(|field| *field == name.as_bytes())
            .ok_or(MatError::NoField(name))
    };
    let id = position("ILSVRC2012_ID")?;
    let wnid = position("WNID")?;
    let words = position("words")?;
    let children = position("num_children")?;

    let mut synsets = Vec::new();
    let mut row = Vec::with_capacity(fields.len());
    for _ in 0..matrix.count {
        row.clear();
        for _ in &fields {
            let cell = parts.next("a field of synsets")?;
            if cell.kind != MATRIX {
                return Err(MatError::Malformed("a field of synsets is not an array"));
            }
            row.push(cell.data);
        }
        synsets.push(Synset {
            id: whole_number(row[id])?,
            wnid: text(row[wnid])?,
            words: text(row[words])?,
            children: whole_number(row[children])?,
        });
    }
    Ok(synsets)
}

fn field_names<'a>(parts: &mut Elements<'a>) -> Result<Vec<&'a [u8]>, MatError> {
    let length = parts.next("the length of field names")?.data;
    let &[a, b, c, d] = length else {
        return Err(MatError::Malformed(
            "the length of field names is not a 32-bit number",
        ));
    };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    // MATLAB allows 63 letters and a zero.
    if !(1..=64).contains(&length) {
        return Err(MatError::Malformed("field names of impossible length"));
    }
    let names = parts.next("the field names")?.data;
    Ok(names.chunks_exact(length).map(until_zero).collect())
}

/// A 1 x 1 numeric array that holds a whole number.
fn whole_number(matrix: &[u8]) -> Result<u32, MatError> {
    let mut matrix = Matrix::parse(matrix)?;
    if matrix.count != 1 {
        return Err(MatError::Malformed("a number that is not a scalar"));
    }
    // MATLAB stores doubles in the smallest type that keeps their value.
    let value = matrix.body.next("a number")?;
    let number = match (value.kind, value.data) {
        (1, &[a]) => f64::from(i8::from_le_bytes([a])),
        (2, &[a]) => f64::from(a),
        (3, &[a, b]) => f64::from(i16::from_le_bytes([a, b])),
        (4, &[a, b]) => f64::from(u16::from_le_bytes([a, b])),
        (5, &[a, b, c, d]) => f64::from(i32::from_le_bytes([a, b, c, d])),
        (6, &[a, b, c, d]) => f64::from(u32::from_le_bytes([a, b, c, d])),
        (7, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
        (9, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return Err(MatError::Malformed("a number of unknown type")),
    };
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        Ok(number as u32)
    } else {
        Err(MatError::Malformed(
            "a count or id that is not a whole number",
        ))
    }
}

/// A row of characters.
fn text(matrix: &[u8]) -> Result<String, MatError> {
    let mut matrix = Matrix::parse(matrix)?;
    if matrix.class != CHAR {
        return Err(MatError::Malformed("a text that is not a char array"));
    }
    let value = matrix.body.next("a text")?;
    match value.kind {
        1 | 2 | 16 => Ok(String::from_utf8_lossy(value.data).into_owned()),
        4 | 17 => {
            let units = value
                .data
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            Ok(char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect())
        }
        _ => Err(MatError::Malformed("a text of unknown encoding")),
    }
}

/// An array: its head parsed, its contents still elements.
struct Matrix<'a> {
    class: u8,
    /// Product of the dimensions.
    count: u64,
    name: &'a [u8],
    body: Elements<'a>,
}

impl<'a> Matrix<'a> {
    fn parse(data: &'a [u8]) -> Result<Matrix<'a>, MatError> {
        let mut body = Elements { rest: data };
        let flags = body.next("an array's flags")?;
        let (UINT32, &[class, ..]) = (flags.kind, flags.data) else {
            return Err(MatError::Malformed("an array without flags"));
        };
        let dimensions = body.next("an array's dimensions")?.data.chunks_exact(4);
        let count = dimensions
            .map(|d| u64::from(u32::from_le_bytes([d[0], d[1], d[2], d[3]])))
            .try_fold(1_u64, u64::checked_mul)
            .ok_or(MatError::Malformed("dimensions that are far too large"))?;
        let name = body.next("an array's name")?.data;
        Ok(Matrix {
            class,
            count,
            name,
            body,
        })
    }
}

/// A run of tagged elements.
struct Elements<'a> {
    rest: &'a [u8],
}

struct Element<'a> {
    kind: u32,
    data: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The next element; `what` says in the error what was expected.
    fn next(&mut self, what: &'static str) -> Result<Element<'a>, MatError> {
        let (tag, after) = self
            .rest
            .split_first_chunk::<8>()
            .ok_or(MatError::Truncated(what))?;
        let &[a, b, c, d, e, f, g, h] = tag;
        let small_size = usize::from(u16::from_le_bytes([c, d]));
        if small_size > 0 {
            // Up to four bytes sit in the tag itself.
            let data = self.rest[4..8]
                .get(..small_size)
                .ok_or(MatError::Malformed("a small element's size"))?;
            self.rest = after;
            return Ok(Element {
                kind: u32::from(u16::from_le_bytes([a, b])),
                data,
            });
        }
        let kind = u32::from_le_bytes([a, b, c, d]);
        let size = u32::from_le_bytes([e, f, g, h]) as usize;
        let (data, _) = after
            .split_at_checked(size)
            .ok_or(MatError::Truncated(what))?;
        // Compressed elements follow each other without padding; the last of any kind may lack it.
        let taken = if kind == COMPRESSED {
            size
        } else {
            size.next_multiple_of(8)
        };
        self.rest = after.get(taken..).unwrap_or_default();
        Ok(Element { kind, data })
    }
}

fn inflate(data: &[u8], budget: &mut u64) -> Result<Vec<u8>, MatError> {
    let mut inflated = Vec::new();
    let limited = flate2::read::ZlibDecoder::new(data)
        .take(*budget + 1)
        .read_to_end(&mut inflated);
    limited.map_err(|_| MatError::Malformed("a compressed variable does not inflate"))?;
    *budget = budget
        .checked_sub(inflated.len() as u64)
        .ok_or(MatError::TooLarge)?;
    Ok(inflated)
}

fn until_zero(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == 0).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Written by `fixtures/make_meta.py`.
    const META: &[u8] = include_bytes!("../fixtures/meta.mat");

    /// The same variables without compression, so that mutations reach the parser and not only zlib.
    fn inflated_meta() -> Vec<u8> {
        let mut plain = META[..HEADER].to_vec();
        let mut elements = Elements {
            rest: &META[HEADER..],
        };
        while !elements.rest.is_empty() {
            let element = elements.next("a variable").unwrap();
            assert_eq!(element.kind, COMPRESSED);
            plain.extend(inflate(element.data, &mut MAX_INFLATED.clone()).unwrap());
        }
        plain
    }

    #[test]
    fn reads_the_devkits_shape() {
        let synsets = read_synsets(META).unwrap();
        let seen: Vec<_> = synsets
            .iter()
            .map(|s| (s.id, s.wnid.as_str(), s.children))
            .collect();
        assert_eq!(
            seen,
            [
                (1, "n02119789", 0),
                (2, "n02100735", 0),
                (3, "n02110185", 0),
                (4, "n02096294", 0),
                (300, "n02066245", 0),
                (1001, "n00001740", 2),
                (70000, "n02083346", 3),
            ]
        );
        assert_eq!(synsets[0].words, "kit fox, Vulpes macrotis");
        assert_eq!(read_synsets(&inflated_meta()).unwrap(), synsets);
    }

    #[test]
    fn rubbish_is_an_error_and_never_a_panic() {
        for original in [META.to_vec(), inflated_meta()] {
            for at in 0..original.len() {
                for value in [
                    0x00,
                    0x01,
                    0x7f,
                    0xff,
                    original[at] ^ 0x01,
                    original[at] ^ 0x80,
                ] {
                    let mut mutant = original.clone();
                    mutant[at] = value;
                    let _ = read_synsets(&mutant);
                }
                assert!(read_synsets(&original[..at]).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn other_kinds_of_mat_file_are_named() {
        let with_version = |version: [u8; 4]| {
            let mut file = META.to_vec();
            file[124..128].copy_from_slice(&version);
            read_synsets(&file)
        };
        assert_eq!(with_version([0, 2, b'I', b'M']), Err(MatError::Hdf5));
        assert_eq!(with_version([1, 0, b'M', b'I']), Err(MatError::BigEndian));
        assert_eq!(read_synsets(b"n01440764\n"), Err(MatError::NotMat));
        assert_eq!(read_synsets(&META[..HEADER]), Err(MatError::NoSynsets));
    }

    #[test]
    fn a_zlib_bomb_is_refused() {
        use std::io::Write;
        let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let megabyte = vec![0_u8; 1 << 20];
        for _ in 0..=(MAX_INFLATED >> 20) {
            bomb.write_all(&megabyte).unwrap();
        }
        let bomb = bomb.finish().unwrap();
        let mut file = META[..HEADER].to_vec();
        file.extend(COMPRESSED.to_le_bytes());
        file.extend(u32::try_from(bomb.len()).unwrap().to_le_bytes());
        file.extend(bomb);
        assert_eq!(read_synsets(&file), Err(MatError::TooLarge));
    }
}

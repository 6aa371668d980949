//! Byte stuffing: in a file, a zero follows each 0xFF byte of the entropy-coded data. Records leave the zero out.

/// Appends a scan with a zero behind each 0xFF byte, as in a file.
pub(crate) fn stuff(scan: &[u8], file: &mut Vec<u8>) {
    let mut rest = scan;
    while let Some(at) = find_ones(rest) {
        file.extend(&rest[..=at]);
        file.push(0);
        rest = &rest[at + 1..];
    }
    file.extend(rest);
}

/// The scan without its stuffing bytes, and the rest of the bytes from the first marker on.
pub(crate) fn unstuff(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut scan = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find_ones(rest) {
        if rest.get(at + 1) != Some(&0) {
            scan.extend(&rest[..at]);
            return (scan, &rest[at..]);
        }
        scan.extend(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    scan.extend(rest);
    (scan, &[])
}

/// Where the first 0xFF byte is. Looks at sixteen bytes at a time, because only one in about two hundred is 0xFF.
fn find_ones(bytes: &[u8]) -> Option<usize> {
    let is_ones = |&byte: &u8| byte == 0xff;
    let without = bytes
        .chunks_exact(16)
        .take_while(|bytes| !bytes.iter().fold(false, |any, byte| any | is_ones(byte)))
        .count();
    let near = 16 * without;
    bytes[near..].iter().position(is_ones).map(|at| near + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_are_found_wherever_they_are() {
        for length in 0..70 {
            assert_eq!(find_ones(&vec![0xfe; length]), None);
            for first in 0..length {
                let mut bytes = vec![0x7f; length];
                bytes[first] = 0xff;
                bytes[length - 1] = 0xff;
                assert_eq!(find_ones(&bytes), Some(first), "of {length}");
                let mut stuffed = Vec::new();
                stuff(&bytes, &mut stuffed);
                stuffed.extend(b"\xff\xd9");
                assert_eq!(unstuff(&stuffed), (bytes, &b"\xff\xd9"[..]));
            }
        }
    }
}

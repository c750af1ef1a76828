//! EXIF in a WebP file.
//!
//! The simple form of a file is one chunk of pixels. The extended form begins with a chunk that names size and contents
//! and ends with chunks of metadata. Chunks are padded to an even number of bytes.
//!
//! Source: Google, WebP Container Specification, section "Extended File Format".

/// Bytes before the first chunk: `RIFF`, size, `WEBP`.
const HEAD: usize = 12;
/// Where the extended form says what it contains.
const FLAGS: usize = HEAD + 8;
const HAS_EXIF: u8 = 1 << 3;

/// `file`, which is of the simple form and without opacity, with this EXIF block.
pub(super) fn extend_with_exif(file: &[u8], width: u32, height: u32, exif: &[u8]) -> Vec<u8> {
    let mut extended = Vec::with_capacity(file.len() + exif.len() + 32);
    extended.extend_from_slice(&file[..HEAD]);
    extended.extend_from_slice(b"VP8X\x0a\0\0\0\0\0\0\0");
    for side in [width, height] {
        extended.extend_from_slice(&(side - 1).to_le_bytes()[..3]);
    }
    extended.extend_from_slice(&file[HEAD..]);
    append_exif(&extended, exif)
}

/// `file`, which is of the extended form and has none, with this EXIF block.
pub(super) fn append_exif(file: &[u8], exif: &[u8]) -> Vec<u8> {
    let mut extended = file.to_vec();
    extended[FLAGS] |= HAS_EXIF;
    extended.extend_from_slice(b"EXIF");
    extended.extend_from_slice(&(exif.len() as u32).to_le_bytes());
    extended.extend_from_slice(exif);
    if exif.len() % 2 == 1 {
        extended.push(0);
    }
    let size = extended.len() as u32 - 8;
    extended[4..8].copy_from_slice(&size.to_le_bytes());
    extended
}

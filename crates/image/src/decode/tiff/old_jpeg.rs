//! JPEG as TIFF 6.0 had it first (compression 6).
//!
//! A page is found in one of three forms: strips or tiles that are JPEG files; one JPEG file that fields of the directory
//! point at; or bare scans, whose tables lie somewhere in the file and whose header follows from the directory. Lossless
//! JPEG (JPEGProc 14) is unsupported.
//!
//! Source: TIFF revision 6.0, section 22; Technical Note 2 says what is wrong with it.

use super::Structure;

/// The JPEG file that the directory points at, if there is one.
pub(super) fn whole<'a>(structure: Structure<'a>, directory: usize) -> Option<&'a [u8]> {
    let at = structure.number(directory, 513)? as usize;
    let rest = structure
        .bytes
        .get(at..)
        .filter(|rest| rest.starts_with(b"\xff\xd8"))?;
    // Some writers leave the length out, others leave it 0.
    let length = structure.number(directory, 514).filter(|length| *length > 0);
    Some(&rest[..length.map_or(rest.len(), |length| rest.len().min(length as usize))])
}

/// What has to stand before a bare scan of this size, with the mark that ends a file of tables; none where tables are
/// missing or the scan is not baseline.
pub(super) fn head(
    structure: Structure<'_>,
    directory: usize,
    width: usize,
    height: usize,
) -> Option<Vec<u8>> {
    if structure.number(directory, 512).unwrap_or(1) != 1 {
        return None;
    }
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    let count = structure.number(directory, 277).unwrap_or(1).clamp(1, 4) as u8;
    let offsets = |tag| structure.numbers(directory, tag, usize::from(count));
    let at = |offset: u64| structure.bytes.get(usize::try_from(offset).ok()?..);
    let mut head = b"\xff\xd8".to_vec();
    let mut segment = |marker: u8, parts: &[&[u8]]| {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        head.extend_from_slice(&[0xff, marker]);
        head.extend_from_slice(&((length + 2) as u16).to_be_bytes());
        parts.iter().for_each(|part| head.extend_from_slice(part));
    };
    let quantisation = offsets(519);
    for (number, offset) in (0..).zip(&quantisation) {
        segment(0xdb, &[&[number], at(*offset)?.get(..64)?]);
    }
    let huffman = [offsets(520), offsets(521)];
    for (class, offsets) in (0..).zip(&huffman) {
        for (number, offset) in (0..).zip(offsets) {
            let table = at(*offset)?;
            let codes: usize = table.get(..16)?.iter().map(|count| usize::from(*count)).sum();
            segment(0xc4, &[&[class << 4 | number], table.get(..16 + codes)?]);
        }
    }
    let least = [&quantisation, &huffman[0], &huffman[1]]
        .map(Vec::len)
        .into_iter()
        .min()?;
    let last = u8::try_from(least).ok()?.checked_sub(1)?;
    let steps = match structure.numbers(directory, 530, 2)[..] {
        _ if count == 1 => [1, 1],
        [across, down] => [across, down],
        _ => [2, 2],
    };
    let [across, down] = steps.map(|step| if matches!(step, 1 | 2 | 4) { step as u8 } else { 1 });
    let mut frame = vec![8];
    frame.extend_from_slice(&height.to_be_bytes());
    frame.extend_from_slice(&width.to_be_bytes());
    frame.push(count);
    let mut scan = vec![count];
    for sample in 0..count {
        let table = sample.min(last);
        let factors = if sample == 0 { across << 4 | down } else { 0x11 };
        frame.extend_from_slice(&[sample + 1, factors, table]);
        scan.extend_from_slice(&[sample + 1, table << 4 | table]);
    }
    scan.extend_from_slice(&[0, 63, 0]);
    segment(0xc0, &[&frame]);
    if let Some(restart) = structure.number(directory, 515).filter(|restart| *restart > 0) {
        segment(0xdd, &[&u16::try_from(restart).ok()?.to_be_bytes()]);
    }
    segment(0xda, &[&scan]);
    head.extend_from_slice(b"\xff\xd9");
    Some(head)
}

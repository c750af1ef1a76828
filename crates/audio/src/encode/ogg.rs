//! Pages of Ogg.
//!
//! Source: RFC 3533.

use crate::container::ogg_crc32;

/// Writes a stream of packets.
#[derive(Debug)]
pub(super) struct Writer {
    file: Vec<u8>,
    serial: u32,
    number: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
    position: u64,
}

impl Writer {
    pub(super) fn new(serial: u32) -> Writer {
        Writer {
            file: Vec::new(),
            serial,
            number: 0,
            lacing: Vec::new(),
            body: Vec::new(),
            position: 0,
        }
    }

    /// Adds a packet that ends at `position`; of fewer than 65,025 bytes, so that it never goes over the end of a page.
    pub(super) fn packet(&mut self, packet: &[u8], position: u64) {
        let values = packet.len() / 255 + 1;
        if self.lacing.len() + values > 255 {
            self.flush(false);
        }
        self.lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
        self.lacing.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
        self.position = position;
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, is_last: bool) {
        let start = self.file.len();
        let flags = if self.number == 0 { 2 } else { 0 } | if is_last { 4 } else { 0 };
        self.file.extend(b"OggS\0");
        self.file.push(flags);
        self.file.extend(self.position.to_le_bytes());
        self.file.extend(self.serial.to_le_bytes());
        self.file.extend(self.number.to_le_bytes());
        self.file.extend([0; 4]);
        self.file.push(self.lacing.len() as u8);
        self.file.append(&mut self.lacing);
        self.file.append(&mut self.body);
        let crc = ogg_crc32(0, &self.file[start..]);
        self.file[start + 22..start + 26].copy_from_slice(&crc.to_le_bytes());
        self.number += 1;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush(true);
        self.file
    }
}

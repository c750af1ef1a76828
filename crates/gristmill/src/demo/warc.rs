//! Writes WARC files as crawlers do: one gzip member a record.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::pages::Page;

/// A WARC file in memory.
pub(super) struct WarcFile {
    bytes: Vec<u8>,
    name: String,
    records: u32,
}

impl WarcFile {
    pub(super) fn new(name: &str) -> Self {
        let mut file = WarcFile {
            bytes: Vec::new(),
            name: name.to_owned(),
            records: 0,
        };
        let about =
            format!("software: gristmill demo\r\nformat: WARC File Format 1.0\r\nfilename: {name}\r\n");
        file.record(
            "warcinfo",
            None,
            "application/warc-fields",
            about.as_bytes(),
            false,
        );
        file
    }

    /// Adds the three records of a visit.
    pub(super) fn visit(&mut self, page: &Page) {
        let host = page.url.split('/').nth(2).unwrap_or_default();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gristmill-demo\r\n\r\n");
        self.record(
            "request",
            Some(&page.url),
            "application/http; msgtype=request",
            request.as_bytes(),
            false,
        );
        let mut response =
            format!("HTTP/1.1 {}\r\n{}Server: demo\r\n\r\n", page.status, page.headers).into_bytes();
        response.extend(&page.body);
        self.record(
            "response",
            Some(&page.url),
            "application/http; msgtype=response",
            &response,
            page.is_damaged,
        );
        self.record(
            "metadata",
            Some(&page.url),
            "application/warc-fields",
            b"fetchTimeMs: 42\r\n",
            false,
        );
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn record(&mut self, kind: &str, url: Option<&str>, media_type: &str, content: &[u8], is_damaged: bool) {
        let target = url.map_or_else(String::new, |url| format!("WARC-Target-URI: {url}\r\n"));
        let stem: u32 = self.name.bytes().map(u32::from).sum();
        let header = format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{stem:08x}-0000-4000-8000-{:012x}>\r\n\
             WARC-Date: 2024-03-01T12:{:02}:{:02}Z\r\n{target}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            self.records,
            self.records / 60 % 60,
            self.records % 60,
            content.len()
        );
        self.records += 1;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        for part in [header.as_bytes(), content, b"\r\n\r\n"] {
            gzip.write_all(part).expect("memory does not fail");
        }
        let mut member = gzip.finish().expect("memory does not fail");
        if is_damaged {
            let middle = member.len() / 2;
            member[middle..middle + 16].fill(0);
        }
        self.bytes.extend(member);
    }
}

//! From an archive record to a row: which bytes are its content, and what they are.
//!
//! - `response` records of HTTP, and ARC records that begin with a status line: the decoded body.
//! - `warcinfo`, `request`, `metadata`, `revisit`: no content.
//! - everything else: the content as it is.
//!
//! The media type comes from the bytes first and the headers second; see [`magic`](crate::magic).

use gristmill_core::{Limits, ReadOptions, Record, RecordBatcher, columns};

use crate::{
    archive::Head,
    encoding, http, magic,
    media_type::{self, lower_case},
};

/// Record types that describe other records.
const WITHOUT_CONTENT: [&str; 4] = ["warcinfo", "request", "metadata", "revisit"];

/// Turns records into rows; keeps its buffers between records.
pub(crate) struct Payload {
    limits: Limits,
    is_wanted: bool,
    decoder: encoding::Decoder,
}

impl Payload {
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Payload {
            limits: options.limits.clone(),
            is_wanted: options.wants(&columns::CONTENT),
            decoder: encoding::Decoder::new(&options.limits),
        }
    }

    /// Pushes the record with this header and these content bytes; `place` holds offset, length and position.
    #[expect(clippy::needless_pass_by_value, reason = "taken apart by struct update")]
    pub(crate) fn push(
        &mut self,
        head: &Head<'_>,
        bytes: &[u8],
        place: Record<'_>,
        batcher: &mut RecordBatcher,
    ) {
        let row = Record {
            record_type: &head.record_type,
            url: head.url.as_deref(),
            timestamp: head.timestamp,
            truncated: head.truncated.as_deref(),
            fault: head.fault.clone(),
            ..place
        };
        let declared = head.content_type.as_deref().and_then(media_type::essence);
        let identified = head.payload_type.as_deref().and_then(media_type::essence);
        if row.fault.is_some() || WITHOUT_CONTENT.contains(&row.record_type) {
            let media_type = declared.map(lower_case);
            batcher.push(&Record {
                media_type: media_type.as_deref(),
                ..row
            });
        } else if is_http(&row, declared, bytes) {
            self.push_response(row, identified, bytes, batcher);
        } else {
            let media_type = magic::media_type(bytes, declared, identified);
            batcher.push(&Record {
                media_type: media_type.as_deref(),
                charset: head.content_type.as_deref().and_then(media_type::charset),
                content: Some(bytes),
                ..row
            });
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "taken apart by struct update")]
    fn push_response(
        &mut self,
        row: Record<'_>,
        identified: Option<&str>,
        bytes: &[u8],
        batcher: &mut RecordBatcher,
    ) {
        let message = match http::Message::parse(bytes, self.limits.header_bytes) {
            Ok(message) => message,
            Err(fault) => {
                return batcher.push(&Record {
                    fault: Some(fault),
                    ..row
                });
            }
        };
        let declared = message.content_type.as_deref().and_then(media_type::essence);
        let is_coded = message.is_chunked || !message.encodings.is_empty();
        let content = match (is_coded, self.is_wanted) {
            (false, _) => Ok(message.body),
            (true, true) => self.decoder.decode(&message),
            (true, false) => self.decoder.decode_head(&message),
        };
        let (content, fault, media_type) = match content {
            Ok(content) => (
                Some(content),
                None,
                magic::media_type(content, declared, identified),
            ),
            Err(fault) => (None, Some(fault), declared.map(lower_case)),
        };
        batcher.push(&Record {
            http_status: Some(message.status),
            charset: message.content_type.as_deref().and_then(media_type::charset),
            media_type: media_type.as_deref(),
            content,
            fault,
            ..row
        });
    }
}

fn is_http(row: &Record<'_>, declared: Option<&str>, bytes: &[u8]) -> bool {
    let is_declared = declared.is_some_and(|declared| declared.eq_ignore_ascii_case("application/http"));
    row.record_type == "response" && (is_declared || bytes.starts_with(b"HTTP/"))
}

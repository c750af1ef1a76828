//! The columns of a record, and the content columns of documents.
//!
//! A format fills the record columns ([`RECORD`]); an extractor adds content columns such as [`TEXT`]. Columns
//! of signals are named on the signals' own cards.

use crate::Column;

/// 32 hexadecimal digits, unique in a run; see [`record_id`](crate::record_id).
pub const ID: Column = Column::text(
    "id",
    "32 hexadecimal digits: hash of uri, offset and position in the member",
);
/// The object the record was read from, relative to the folder that the recipe reads.
pub const URI: Column = Column::text("uri", "object, relative to the folder that the recipe reads");
/// Where the record starts.
pub const OFFSET: Column = Column::u64(
    "offset",
    "where the record starts, in bytes of the stored (compressed) object; in bytes of the decompressed stream where that is compressed as a whole (JSONL, CSV, tar, archives in bzip2, xz, LZ4, brotli); a row number in Parquet and Arrow",
);
/// How many stored bytes the record takes.
pub const LENGTH: Column = Column::u64(
    "length",
    "bytes of the record, counted like its offset; of its gzip member or zstd frame where several records share one; 0 in Parquet and Arrow, and in members larger than the limit for one record",
);
/// What kind of record it is.
pub const RECORD_TYPE: Column = Column::text(
    "record_type",
    "WARC type (response, resource, conversion, request, warcinfo, metadata, revisit, continuation), `unknown` where damage hides it, or `document` for all that is no web archive",
)
.if_named();
/// The address the content was fetched from.
pub const URL: Column = Column::text("url", "address the content was fetched from");
/// The media type of the content.
pub const MEDIA_TYPE: Column = Column::text(
    "media_type",
    "media type of the content, from its bytes first and its headers second, lower case, without parameters",
);
/// The character set that the transport declared.
pub const CHARSET: Column = Column::text(
    "charset",
    "character set declared by the transport (HTTP Content-Type), as written",
)
.if_named();
/// The HTTP status of a response.
pub const HTTP_STATUS: Column = Column::u16("http_status", "HTTP status of a response").if_named();
/// When the content was fetched.
pub const TIMESTAMP: Column = Column::time("timestamp", "when the content was fetched (WARC-Date)");
/// Why the crawler cut the content short.
pub const TRUNCATED: Column = Column::text(
    "truncated",
    "why the crawler cut the content short (WARC-Truncated: length, time, disconnect), null when whole",
)
.if_named();
/// The name of the member of an archive that the content is, or the path that a row gives for it.
pub const MEMBER: Column = Column::text(
    "member",
    "name of the member of a tar or zip file, or path that a row gives for its content; as stored, and nothing more than data",
)
.if_named();
/// What the members of one WebDataset sample share.
pub const SAMPLE: Column =
    Column::text("sample", "key that the members of one WebDataset sample share").if_named();
/// The content itself, after transfer and content decoding.
pub const CONTENT: Column = Column::bytes(
    "content",
    "bytes of the content, after HTTP transfer and content decoding",
)
.if_named();
/// What is wrong with the row, see [`Fault`](crate::Fault); null when nothing is.
pub const FAULT: Column = Column::text(
    "fault",
    "what is wrong with the record, as `kind: detail`; null when nothing is",
)
.if_named();

/// The columns of every record, in this order.
pub const RECORD: &[Column] = &[
    ID,
    URI,
    OFFSET,
    LENGTH,
    RECORD_TYPE,
    URL,
    MEDIA_TYPE,
    CHARSET,
    HTTP_STATUS,
    TIMESTAMP,
    TRUNCATED,
    MEMBER,
    SAMPLE,
    CONTENT,
    FAULT,
];

/// The text of a document.
pub const TEXT: Column = Column::text("text", "text of the document");
/// The title of a document.
pub const TEXT_TITLE: Column = Column::text("text_title", "title of the document");
/// The text of a document as Markdown.
pub const TEXT_MARKDOWN: Column = Column::text(
    "text_markdown",
    "text as Markdown (CommonMark with tables), as extracted: what edits change in `text` does not change here; `edit: markdown` makes it the text",
)
.if_named();

/// The pieces of an interleaved document, as [`nodes`](crate::nodes).
pub const DOCUMENT_NODES: Column = Column::work(
    "document_nodes",
    "text, images, videos and audio of the document in the order of the page",
);
/// References of a page to images, as [`nodes`](crate::nodes).
pub const PAGE_IMAGES: Column = Column::work(
    "page_images",
    "references to images in the order of the page, with alternative text, title, caption and the text around",
);
/// The PDQ hash of an image.
pub const IMAGE_PDQ: Column = Column::text("image_pdq", "PDQ hash, 64 hexadecimal digits");
/// How much detail a PDQ hash is made of.
pub const IMAGE_PDQ_QUALITY: Column = Column::u32("image_pdq_quality", "quality of the PDQ hash, 0 to 100");
/// The pHash of an image.
pub const IMAGE_PHASH: Column = Column::text("image_phash", "pHash, 16 hexadecimal digits");
/// The dHash of an image.
pub const IMAGE_DHASH: Column = Column::text("image_dhash", "dHash, 16 hexadecimal digits");
/// The hash of an image's pixels.
pub const IMAGE_PIXEL_HASH: Column = Column::text(
    "image_pixel_hash",
    "xxh3-128 of size and pixels at the scale of signals, 32 hexadecimal digits",
);
/// The small picture that signals of an image look at.
pub const IMAGE_THUMBNAIL: Column = Column::work(
    "image_thumbnail",
    "the picture upright, sRGB, over white, at most 512 pixels long: width, height, pixels",
);
/// The file of an image.
pub const IMAGE: Column = Column::media("image", "file of the image, and a name with its format's ending");
/// The file of a sound. Of a video: the file that has its sound track.
pub const AUDIO: Column = Column::media("audio", "file of the sound, and a name with its format's ending");
/// The file of a video.
pub const VIDEO: Column = Column::media("video", "file of the video, and a name with its format's ending");

/// The pieces of text of an interleaved document.
pub const TEXTS: Column = Column::texts(
    "texts",
    "pieces of text of the document in order; null where an image stands",
);
/// The images of an interleaved document.
pub const IMAGES: Column = Column::media_list(
    "images",
    "images of the document in order; null where text stands",
);
/// What is known of the images of an interleaved document.
pub const METADATA: Column = Column::text(
    "metadata",
    "JSON list as long as `texts`: of each image its addresses, alternative text, sizes, format and record; null of text",
);
/// Where an interleaved document is from.
pub const GENERAL_METADATA: Column = Column::text(
    "general_metadata",
    "JSON: address of the page, and where its record is",
);
/// What the rules of nodes rejected.
pub const REJECTED_NODES: Column = Column::text(
    "rejected_nodes",
    "JSON list of the nodes that left: kind, text or address, verdict, and the position in `texts` before which they stood",
);
/// What an interleaved document has no bytes of.
pub const REFERENCES: Column = Column::text(
    "references",
    "JSON list of audio, video and images that are only known by their address: kind, address, reason, position",
);
/// The acoustic fingerprint of a sound.
pub const AUDIO_FINGERPRINT: Column = Column::text(
    "audio_fingerprint",
    "Chromaprint of the first 120 s as fpcalc prints it (algorithm 2); null below 2.6 s",
);
/// The hash of a sound's samples.
pub const AUDIO_SAMPLE_HASH: Column = Column::text(
    "audio_sample_hash",
    "xxh3-128 of rate, channels and decoded samples, 32 hexadecimal digits",
);
/// The PDQ hashes of a video's frames.
pub const VIDEO_PDQ: Column = Column::texts(
    "video_pdq",
    "PDQ hashes of key frames a second or more apart, as lines of number, quality, hash and seconds (vPDQ)",
);
/// The length of a sound.
pub const AUDIO_DURATION: Column = Column::f64("audio_duration_s", "length of the sound in seconds");
/// The length of a video.
pub const VIDEO_DURATION: Column = Column::f64("video_duration_s", "length of the video in seconds");

//! Bounds on what is believed of input.

/// Bounds that every length read from input is checked against.
///
/// They count bytes and steps, never time, so that output does not depend on the machine. What exceeds one ends
/// in `Fault::limit`, with the value and the bound in its detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record: header and content, uncompressed. 64 MiB.
    pub record_bytes: usize,
    /// Longest header block of a WARC record or HTTP message. 1 MiB.
    pub header_bytes: usize,
    /// Most layers of HTTP Content-Encoding. 3.
    pub encodings: usize,
    /// Deepest nesting of HTML elements that is kept as structure; deeper ones are flattened. 512.
    pub html_depth: usize,
    /// Most HTML nodes of one page. 2 million.
    pub html_nodes: usize,
    /// Most pixels of one frame of an image, and of the canvas that frames are drawn on. 128 million.
    pub image_pixels: u64,
    /// Most bytes that decoding one image may allocate. 1 GiB.
    pub image_bytes: u64,
    /// Most frames of an animation or pages of a file that are counted. 10,000.
    pub image_frames: u32,
    /// Most bytes of images that an interleaved document holds. 256 MiB.
    pub document_bytes: usize,
    /// Longest ICC profile. 4 MiB.
    pub icc_bytes: usize,
    /// Most sample frames (samples of one channel) of a sound that are decoded. 4.2 billion: 24 hours at 48 kHz.
    pub audio_frames: u64,
    /// Longest sound that is decoded, in seconds. 24 hours.
    pub audio_seconds: u32,
    /// Most channels of a sound. 64.
    pub audio_channels: u16,
    /// Highest sample rate of a sound. 768 kHz.
    pub audio_rate_hz: u32,
    /// Most bytes of decoded samples that are held at once, to write a sound anew. 1 GiB: 93 minutes of one channel at 48 kHz.
    pub audio_bytes: u64,
    /// Most samples of all tracks of a video together: pictures, packets of sound, texts. 4 million.
    pub video_samples: u32,
    /// Most pixels of one frame of a video. 36 million: the most of H.264 and HEVC level 6.2.
    pub video_pixels: u64,
    /// Most bytes that decoding one video may allocate, in a worker process. 2 GiB.
    pub video_bytes: u64,
    /// Most pixels that are decoded of one video: of frames, added up. 100 billion.
    pub video_decoded_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            record_bytes: 64 << 20,
            header_bytes: 1 << 20,
            encodings: 3,
            html_depth: 512,
            html_nodes: 2_000_000,
            image_pixels: 128_000_000,
            image_bytes: 1 << 30,
            image_frames: 10_000,
            document_bytes: 256 << 20,
            icc_bytes: 4 << 20,
            audio_frames: 4_200_000_000,
            audio_seconds: 86_400,
            audio_channels: 64,
            audio_rate_hz: 768_000,
            audio_bytes: 1 << 30,
            video_samples: 4_000_000,
            video_pixels: 36_000_000,
            video_bytes: 2 << 30,
            video_decoded_pixels: 100_000_000_000,
        }
    }
}

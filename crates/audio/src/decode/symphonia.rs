//! MPEG audio, FLAC, ALAC and Vorbis by symphonia's decoders.

use gristmill_core::Fault;
use symphonia_bundle_flac::FlacDecoder;
use symphonia_bundle_mp3::MpaDecoder;
use symphonia_codec_alac::AlacDecoder;
use symphonia_codec_vorbis::VorbisDecoder;
use symphonia_core::{
    audio::{Audio, Channels, GenericAudioBufferRef},
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{
            CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_VORBIS,
        },
    },
    errors::Error,
    packet::PacketRef,
    units::{Duration, Timestamp},
};

use super::Decode;
use crate::{
    Codec, Samples,
    container::{Track, mpeg::FrameHeader},
};

fn fault(error: &Error) -> Fault {
    match error {
        Error::Unsupported(_) => Fault::unsupported(error.to_string()),
        Error::IoError(_) => Fault::truncated(error.to_string()),
        Error::LimitError(_) => Fault::limit(error.to_string()),
        _ => Fault::malformed(error.to_string()),
    }
}

fn parameters(track: &Track) -> AudioCodecParameters {
    let id = match track.codec {
        Codec::Mp1 => CODEC_ID_MP1,
        Codec::Mp2 => CODEC_ID_MP2,
        Codec::Mp3 => CODEC_ID_MP3,
        Codec::Alac => CODEC_ID_ALAC,
        Codec::Vorbis => CODEC_ID_VORBIS,
        _ => CODEC_ID_FLAC,
    };
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(id)
        .with_sample_rate(track.rate)
        .with_channels(Channels::Discrete(track.channels))
        .with_extra_data(track.setup.clone().into_boxed_slice());
    parameters
}

/// Appends what a decoder gave.
fn append(decoded: &GenericAudioBufferRef<'_>, out: &mut Samples) -> Result<(), Fault> {
    const SCALE: f32 = 1.0 / 2_147_483_648.0;
    match decoded {
        GenericAudioBufferRef::F32(buffer) => {
            out.extend_planes(buffer.iter_planes().collect::<Vec<_>>().into_iter());
        }
        GenericAudioBufferRef::S32(buffer) if buffer.num_planes() == out.channels() => {
            for (own, plane) in out.planes_mut().iter_mut().zip(buffer.iter_planes()) {
                own.extend(plane.iter().map(|&sample| sample as f32 * SCALE));
            }
        }
        _ => return Err(Fault::malformed("number of channels changes")),
    }
    Ok(())
}

fn decode(decoder: &mut dyn AudioDecoder, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
    let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, packet);
    let decoded = decoder.decode_ref(&packet).map_err(|error| fault(&error))?;
    append(&decoded, out)
}

/// Codecs whose packets are all of one kind.
pub(super) struct Plain(Box<dyn AudioDecoder>);

impl Plain {
    pub(super) fn new(track: &Track) -> Result<Plain, Fault> {
        let (parameters, options) = (parameters(track), AudioDecoderOptions::default());
        let decoder: Result<Box<dyn AudioDecoder>, Error> = match track.codec {
            Codec::Alac => AlacDecoder::try_new(&parameters, &options).map(|decoder| Box::new(decoder) as _),
            Codec::Vorbis => {
                VorbisDecoder::try_new(&parameters, &options).map(|decoder| Box::new(decoder) as _)
            }
            _ => FlacDecoder::try_new(&parameters, &options).map(|decoder| Box::new(decoder) as _),
        };
        decoder.map(Plain).map_err(|error| fault(&error))
    }
}

impl Decode for Plain {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        decode(self.0.as_mut(), packet, out)
    }
}

/// MPEG audio, which may go from two channels to one and back.
pub(super) struct Mpeg {
    track: Track,
    /// A decoder for each number of channels that was met.
    decoders: [Option<Box<MpaDecoder>>; 2],
}

impl Mpeg {
    pub(super) fn new(track: &Track) -> Result<Mpeg, Fault> {
        Ok(Mpeg {
            track: track.clone(),
            decoders: [None, None],
        })
    }
}

impl Decode for Mpeg {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let header = FrameHeader::read(packet).ok_or_else(|| Fault::malformed("no header of a frame"))?;
        let packet = packet
            .get(..header.length)
            .ok_or_else(|| Fault::truncated("frame ends early"))?;
        if header.rate != self.track.rate {
            return Err(Fault::unsupported(format!(
                "rate changes from {} to {} Hz",
                self.track.rate, header.rate
            )));
        }
        let decoder = &mut self.decoders[usize::from(header.channels) - 1];
        let decoder = match decoder {
            Some(decoder) => decoder,
            None => {
                let codec = match header.layer {
                    1 => Codec::Mp1,
                    2 => Codec::Mp2,
                    _ => Codec::Mp3,
                };
                let parameters = parameters(&Track {
                    codec,
                    ..self.track.clone()
                });
                let made = MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default());
                decoder.insert(Box::new(made.map_err(|error| fault(&error))?))
            }
        };
        decode(decoder.as_mut(), packet, out)
    }
}

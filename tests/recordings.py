"""Opens sounds and videos with datasets, and decodes their bytes with FFmpeg's libraries."""
import io
import json
import pathlib
import sys

import av
import datasets

out, files = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

sounds = datasets.load_dataset(str(out), "audio", split="train")
assert sounds.features["audio"] == datasets.Audio(), sounds.features
raw = sounds.cast_column("audio", datasets.Audio(decode=False))
for row in raw:
    with av.open(io.BytesIO(row["audio"]["bytes"])) as file:
        samples = sum(frame.samples for frame in file.decode(audio=0))
        rate = file.streams.audio[0].rate
    assert abs(samples / rate - row["audio_duration_s"]) < 0.001, row["url"]

films = datasets.load_dataset(str(out), "video", split="train")
assert films.features["video"] == datasets.Video(), films.features
streamed = datasets.load_dataset(str(out), "video", split="train", streaming=True)
streamed = streamed.cast_column("video", datasets.Video(decode=False))
for row in streamed:
    with av.open(io.BytesIO(row["video"]["bytes"])) as file:
        frames = [frame.to_image().size for frame in file.decode(video=0)]
    assert len(frames) == row["video_frame_count"], row["url"]
    assert set(frames) == {(row["video_width_px"], row["video_height_px"])}, row["url"]

# What audiofolder reads: it asks for torch to do so.
by_id = {row["id"]: row["audio"]["bytes"] for row in raw}
exported = [json.loads(line) for line in (files / "metadata.jsonl").read_text().splitlines()]
assert len(exported) == len(raw)
for row in exported:
    assert (files / row["file_name"]).read_bytes() == by_id[row["id"]]

croissant = json.loads((out / "croissant.json").read_text())
fields = {field["@id"]: field for records in croissant["recordSet"] for field in records["field"]}
assert fields["audio/audio"]["dataType"] == "sc:AudioObject", fields["audio/audio"]
assert fields["video/video"]["dataType"] == "sc:VideoObject", fields["video/video"]
print(f"{len(raw)} sounds and {len(films)} videos seen alike by all readers")

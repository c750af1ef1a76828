"""Writes the tables of this folder.

    python3 make_tables.py HAYRO_FONT

HAYRO_FONT is the source folder of the crate hayro-font, for the glyph names of TeX and ZapfDingbats fonts; the other
names, encodings and widths come from fontTools and reportlab, which took them from Adobe's files.
"""

import re
import sys
from pathlib import Path

from fontTools import agl
from fontTools.cffLib import cffStandardStrings
from reportlab.pdfbase import _fontdata

HERE = Path(__file__).parent
generated = Path(sys.argv[1]) / "src/generated"


def write(name, lines):
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="ascii")


def phf(name, quote):
    found = re.findall(rf'"([^"]+)" => {quote}((?:\\u\{{[0-9A-Fa-f]+\}})+){quote}', (generated / name).read_text())
    return {key: re.findall(r"\{([0-9A-Fa-f]+)\}", value) for key, value in found}


names = phf("tex_glyph_names.rs", '"') | phf("zapf_dings.rs", "'")
names |= {name: [f"{code:04X}" for code in codes] for name, codes in agl.LEGACY_AGL2UV.items()}
# Small capitals and old-style figures stand in the private use area; what they show is the plain character.
for name, codes in list(names.items()):
    for suffix in ("small", "oldstyle"):
        plain = name.removesuffix(suffix)
        if plain != name and plain in names and 0xE000 <= int(codes[0], 16) <= 0xF8FF:
            names[name] = [f"{ord(chr(int(code, 16)).lower()):04X}" for code in names[plain]]
write("glyph_names.txt", (f"{name} {' '.join(codes)}" for name, codes in sorted(names.items())))

encodings = []
for name in ("Standard", "WinAnsi", "MacRoman", "PDFDoc", "Symbol", "ZapfDingbats", "MacExpert"):
    glyphs = [glyph or "-" for glyph in _fontdata.encodings[f"{name}Encoding"]]
    assert len(glyphs) == 256
    encodings.append(f"{name} {' '.join(glyphs)}")
write("encodings.txt", encodings)

widths = []
for name, glyphs in _fontdata.widthsByFontGlyph.items():
    # Slanted faces have the widths of the upright ones, Courier has one width.
    if not name.startswith("Courier") and not (name.startswith("Helvetica") and "Oblique" in name):
        widths.append(f"{name} {' '.join(f'{glyph} {width}' for glyph, width in sorted(glyphs.items()))}")
write("widths.txt", widths)
write("cff_strings.txt", cffStandardStrings)

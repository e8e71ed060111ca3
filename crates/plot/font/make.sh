#!/bin/sh
# Makes sans.ttf, the letters that figures need, from Debian's fonts-dejavu-core (DejaVu Sans 2.37) with fonttools.
# The licence of the font is in LICENSE beside this file.
set -eu
cd "$(dirname "$0")"
pyftsubset /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf --output-file=sans.ttf \
    --no-hinting --desubroutinize --layout-features= --drop-tables+=GSUB,GPOS,GDEF,kern,FFTM,gasp --name-IDs=0,1,2 \
    --unicodes="U+20-7E,U+A0-FF,U+131,U+152-153,U+160-161,U+17D-17E,U+2C6,U+2DC,U+302,U+303,U+304,\
U+391-3A1,U+3A3-3A9,U+3B1-3C9,U+3D1,U+3D5,U+3F5,U+2010-2015,U+2018-201A,U+201C-201E,U+2020-2022,U+2026,U+2030,\
U+2032-2033,U+2070-2071,U+2074-208E,U+2090-209C,U+20AC,U+2102,U+210B,U+2112,U+2115,U+211D,U+2126,U+2124,\
U+2190-2195,U+21A6,U+21D0-21D5,U+2200,U+2202-2209,U+220F-2213,U+2215,U+2217-221A,U+221D-221E,U+2225,U+2227-222B,\
U+2248,U+2260-2261,U+2264-2265,U+226A-226B,U+2282-2287,U+2295-2299,U+22A4-22A5,U+22C5-22C6,U+2308-230B,\
U+25A0-25A1,U+25B2-25B3,U+25BC-25BD,U+25CB,U+25CF,U+2605-2606,U+2713,U+2717,U+27E8-27E9,U+1D62-1D65,U+2C7C,\
U+1D48,U+1D49,U+1D4F,U+1D50,U+1D57,U+2B0,U+2E3,U+207F,U+1D40,U+FFFD"

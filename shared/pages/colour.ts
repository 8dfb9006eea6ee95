/** A colour as red, green and blue, 0 to 255 each. */
type Rgb = [number, number, number];

/** What text needs to be read by most people (WCAG 2.2, 1.4.3). */
const READABLE = 4.5;

/**
 * The organisation's colour, brought so far towards black or white that text in it can be read on `background`, and text
 * in the background's colour on it.
 *
 * @param colour `#rrggbb`
 * @param background `#rrggbb`, nearly white or nearly black
 */
export function readableOn(background: string, colour: string): string {
  const back = parse(background);
  const towards: Rgb = luminance(back) > 0.5 ? [0, 0, 0] : [255, 255, 255];
  const own = parse(colour);
  for (let share = 0; share < 1; share += 0.02) {
    const mixed = own.map((part, i) => Math.round(part + (towards[i]! - part) * share)) as Rgb;
    if (ratio(mixed, back) >= READABLE) return write(mixed);
  }
  return write(towards);
}

/** The contrast of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2, contrast ratio). */
export function contrast(one: string, other: string): number {
  return ratio(parse(one), parse(other));
}

function ratio(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance (WCAG 2.2), 0 to 1. */
function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** A colour written anew: whatever came in, what goes out is `#rrggbb`. */
export function cleanColour(colour: string): string {
  return write(parse(colour));
}

function parse(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function write(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

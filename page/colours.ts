/** Colours that stay apart for the colour-blind: blue for below zero, orange for above. */
type Rgb = readonly [r: number, g: number, b: number];

interface Palette {
  readonly zero: Rgb;
  readonly below: Rgb;
  readonly above: Rgb;
}

/** For heat maps; and, paler (in the dark: darker), for text to be read on. */
const MAPS: Readonly<Record<'light' | 'dark', Palette>> = {
  light: { zero: [250, 250, 250], below: [0, 90, 181], above: [194, 84, 0] },
  dark: { zero: [24, 26, 30], below: [86, 180, 233], above: [240, 150, 40] },
};
const GROUNDS: Readonly<Record<'light' | 'dark', Palette>> = {
  light: { zero: [255, 255, 255], below: [140, 190, 255], above: [255, 176, 90] },
  dark: { zero: [24, 26, 30], below: [20, 80, 150], above: [130, 70, 0] },
};

function mix(palette: Palette, value: number): Rgb {
  const { zero, below, above } = palette;
  const end = value < 0 ? below : above;
  const share = Math.min(Math.abs(value), 1);
  return [0, 1, 2].map((i) => Math.round(zero[i] + share * (end[i] - zero[i]))) as unknown as Rgb;
}

/** The colour of −1 … 1 in a heat map. */
export function mapColour(value: number, dark: boolean): Rgb {
  return mix(MAPS[dark ? 'dark' : 'light'], value);
}

/** The colour of −1 … 1 as a ground that text is read on. */
export function groundColour(value: number, dark: boolean): string {
  return `rgb(${mix(GROUNDS[dark ? 'dark' : 'light'], value).join(' ')})`;
}

/** Paints landscapes with a few rules: sky, ridges that fade with distance, water, a town, clouds and film grain. */
import sharp from 'sharp';

export interface Motif {
  readonly scene: keyof typeof scenes;
  readonly light: keyof typeof lights;
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

interface Light {
  readonly sky: readonly [top: string, horizon: string];
  readonly sun: string;
  /** Height of the sun, 0 at the top of the picture. */
  readonly sunAt: number;
  readonly land: readonly [far: string, near: string];
}

/** Input of a scene. Coordinates are 0 to 1600 and 0 to 1200 for every size of the picture. */
interface Easel {
  readonly light: Light;
  readonly random: () => number;
}

export const lights = {
  dawn: { sky: ['#3d5a80', '#f7c59f'], sun: '#fff1d0', sunAt: 0.5, land: ['#b8a9b5', '#2f3e46'] },
  noon: { sky: ['#1f6fb2', '#cfe8f7'], sun: '#ffffff', sunAt: 0.16, land: ['#9fbfc9', '#24502f'] },
  dusk: { sky: ['#2b1e4f', '#ff7b54'], sun: '#ffd56b', sunAt: 0.55, land: ['#a4506c', '#1d1330'] },
  night: { sky: ['#050a1c', '#24375e'], sun: '#e8edf7', sunAt: 0.2, land: ['#2c3f66', '#04070f'] },
} as const satisfies Record<string, Light>;

export const scenes = {
  mountains: (easel: Easel) => ridges(easel, { layers: 5, from: 420, to: 1060, rough: 300 }),
  sea: (easel: Easel) => ridges(easel, { layers: 1, from: 690, to: 690, rough: 60 }) + water(easel, 700),
  dunes: (easel: Easel) => ridges(easel, { layers: 6, from: 640, to: 1080, rough: 70 }),
  town: (easel: Easel) => ridges(easel, { layers: 2, from: 600, to: 700, rough: 140 }) + town(easel),
  lake: (easel: Easel) => ridges(easel, { layers: 3, from: 430, to: 680, rough: 240 }) + water(easel, 760),
  hills: (easel: Easel) => ridges(easel, { layers: 8, from: 520, to: 1120, rough: 130 }),
} as const;

/** A JPEG of the motif. The same seed gives the same picture. */
export async function paint({ scene, light: name, width, height, seed }: Motif): Promise<Buffer> {
  const easel: Easel = { light: lights[name], random: randomFrom(seed) };
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1200" width="${width}" height="${height}" preserveAspectRatio="none">${sky(easel)}${scenes[scene](easel)}</svg>`;
  const pixels = await sharp(Buffer.from(drawing)).removeAlpha().raw().toBuffer();
  weather(pixels, await veil(easel.random, width, height), seed);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 88 })
    .toBuffer();
}

function sky({ light, random }: Easel): string {
  const x = 250 + random() * 1100;
  const y = light.sunAt * 1200;
  return `<defs>
    <linearGradient id="sky" x2="0" y2="1"><stop stop-color="${light.sky[0]}"/><stop offset=".65" stop-color="${light.sky[1]}"/></linearGradient>
    <radialGradient id="halo"><stop stop-color="${light.sun}" stop-opacity=".7"/><stop offset="1" stop-color="${light.sun}" stop-opacity="0"/></radialGradient>
  </defs><rect width="1600" height="1200" fill="url(#sky)"/><circle cx="${x}" cy="${y}" r="380" fill="url(#halo)"/><circle cx="${x}" cy="${y}" r="52" fill="${light.sun}"/>`;
}

/** Draws ridges, far and pale ones first, near and dark ones last. */
function ridges(
  { light, random }: Easel,
  { layers, from, to, rough }: { layers: number; from: number; to: number; rough: number },
): string {
  return Array.from({ length: layers }, (_, layer) => {
    const near = layers === 1 ? 0.5 : layer / (layers - 1);
    const line = ridge(random, from + (to - from) * near, rough * (1 - near / 2));
    return `<polygon fill="${blend(light.land[0], light.land[1], near)}" points="0,1200 ${line} 1600,1200"/>`;
  }).join('');
}

/** Midpoint displacement: bends a line in its middle, then each half, a little less each time. */
function ridge(random: () => number, y: number, rough: number): string {
  let heights = [y + (random() - 0.5) * rough, y + (random() - 0.5) * rough];
  for (let bend = rough; heights.length < 200; bend *= 0.52) {
    heights = heights.flatMap((height, index) =>
      index === 0 ? [height] : [(heights[index - 1]! + height) / 2 + (random() - 0.5) * bend, height],
    );
  }
  return heights
    .map((height, index) => `${((index / (heights.length - 1)) * 1600).toFixed(1)},${height.toFixed(1)}`)
    .join(' ');
}

function water({ light, random }: Easel, horizon: number): string {
  const glitter = Array.from({ length: 240 }, () => {
    const depth = random() ** 2;
    const length = 20 + depth * 190;
    return `<rect x="${(random() * 1700 - 100).toFixed(0)}" y="${(horizon + 4 + depth * (1190 - horizon)).toFixed(0)}" width="${length.toFixed(0)}" height="${(1 + depth * 6).toFixed(1)}" rx="2" fill="${light.sky[1]}" opacity="${(0.1 + random() * 0.4).toFixed(2)}"/>`;
  });
  return `<rect y="${horizon}" width="1600" height="${1200 - horizon}" fill="${blend(light.sky[0], light.land[1], 0.35)}"/>${glitter.join('')}`;
}

function town({ light, random }: Easel): string {
  let drawn = '';
  for (let x = -20; x < 1600;) {
    const width = 60 + random() * 90;
    const top = 560 + random() * 380;
    drawn += `<rect x="${x}" y="${top}" width="${width}" height="700" fill="${blend(light.land[0], light.land[1], 0.6 + random() * 0.4)}"/>`;
    for (let wx = x + 9; wx < x + width - 12; wx += 18) {
      for (let wy = top + 14; wy < 1190; wy += 26)
        if (random() < 0.4) drawn += `<rect x="${wx}" y="${wy}" width="9" height="13" fill="#ffd98a" opacity=".8"/>`;
    }
    x += width + random() * 14;
  }
  return drawn;
}

/**
 * Adds clouds, their shadows and grain to a picture, in place. One pass over the pixels with whole numbers takes a fifth of
 * the time of composing layers.
 *
 * @param pixels red, green, blue, and so on
 * @param veil one grey for each pixel; 128 changes nothing
 */
function weather(pixels: Buffer, veil: Buffer, seed: number): void {
  let chance = seed;
  for (let at = 0, pixel = 0; at < pixels.length; at += 3, pixel++) {
    chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) | 0;
    const grain = (chance >> 28) + ((chance << 8) >> 28); // the sum of two random numbers: small values are more frequent
    const shade = (veil[pixel]! - 128) * 2;
    for (let part = at; part < at + 3; part++) {
      const value = pixels[part]!;
      // "Soft light": middle tones change most, black and white do not change.
      const lit = value + ((shade * value * (255 - value)) >> 16) + grain;
      pixels[part] = lit < 0 ? 0 : lit > 255 ? 255 : lit;
    }
  }
}

/** Random greys at four scales, each half as strong and twice as fine as the last, then enlarged smoothly. */
async function veil(random: () => number, width: number, height: number): Promise<Buffer> {
  const [columns, rows] = [96, 72];
  const grey = new Float32Array(columns * rows);
  for (let cell = 24, strength = 0.5; cell >= 3; cell /= 2, strength /= 2) {
    const across = columns / cell + 2;
    const knots = Float32Array.from({ length: across * (rows / cell + 2) }, random);
    for (let at = 0; at < grey.length; at++)
      grey[at]! += strength * between(knots, across, (at % columns) / cell, Math.floor(at / columns) / cell);
  }
  const pixels = Buffer.from(grey.map((value) => Math.min(255, Math.max(0, 128 + (value - 0.47) * 420))));
  const { data } = await sharp(pixels, { raw: { width: columns, height: rows, channels: 1 } })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return data;
}

/** Interpolates the value at (x, y) of a grid with values at whole coordinates. */
function between(knots: Float32Array, across: number, x: number, y: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const at = row * across + column;
  const above = knots[at]! + (knots[at + 1]! - knots[at]!) * (x - column);
  const below = knots[at + across]! + (knots[at + across + 1]! - knots[at + across]!) * (x - column);
  return above + (below - above) * (y - row);
}

/** Mixes two colours, both `#rrggbb`: `share` 0 gives `from`, 1 gives `to`. */
function blend(from: string, to: string, share: number): string {
  const parts = (color: string): number[] => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const end = parts(to);
  return `#${parts(from)
    .map((part, index) =>
      Math.round(part + (end[index]! - part) * share)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** Random numbers from 0 to 1; the same seed gives the same numbers (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

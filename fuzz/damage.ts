import type { Random } from './random.ts';

/** A file with bytes flipped, cut off, doubled, left out, or a number in it made large. */
export function damagedFile(r: Random, file: Uint8Array): { bytes: Uint8Array; where: string } {
  const at = (): number => r.whole(0, Math.max(0, Math.min(file.length, r.chance(0.5) ? 400 : file.length) - 1));
  const copy = file.slice();
  switch (r.whole(0, 7)) {
    case 0: {
      const end = at();
      return { bytes: file.slice(0, end), where: `cut off at ${end}` };
    }
    case 1: {
      const [from, to, into] = [at(), at(), at()];
      const piece = file.subarray(Math.min(from, to), Math.max(from, to));
      return {
        bytes: Uint8Array.from([...file.subarray(0, into), ...piece, ...file.subarray(into)]),
        where: `a piece doubled at ${into}`,
      };
    }
    case 2: {
      const [from, count] = [at(), r.whole(1, 40)];
      return {
        bytes: Uint8Array.from([...file.subarray(0, from), ...file.subarray(from + count)]),
        where: `${count} bytes left out at ${from}`,
      };
    }
    case 3:
      return { bytes: r.bytes(r.whole(0, 200)), where: 'random bytes' };
    case 4: {
      const place = at();
      copy.fill(r.pick([0, 0xff, 0x7f, 0x80, 0x39]), place, place + r.whole(1, 9));
      return { bytes: copy, where: `bytes filled at ${place}` };
    }
    default: {
      const places = Array.from({ length: r.whole(1, 6) }, at);
      for (const place of places) copy[place] ^= r.whole(1, 255);
      return { bytes: copy, where: `bytes flipped at ${places}` };
    }
  }
}

/**
 * What went wrong:
 * `no-webgpu` the host has no WebGPU, `no-adapter` it has, but no GPU for it, `refused` the adapter gives no device,
 * `lost` the device is gone (driver reset, unplugged, destroyed), `disposed` it was disposed of here,
 * `out-of-memory` no memory for a buffer, `limit` a size is over what the device can do, `shader` a kernel does not
 * compile there, `validation` the device objects to a command: a fault of this library.
 */
export type WebgpuErrorKind =
  | 'no-webgpu'
  | 'no-adapter'
  | 'refused'
  | 'lost'
  | 'disposed'
  | 'out-of-memory'
  | 'limit'
  | 'shader'
  | 'validation';

/** Everything that can go wrong with a device, as distinct from a wrong argument, which is a RangeError. */
export class WebgpuError extends Error {
  readonly kind: WebgpuErrorKind;

  constructor(kind: WebgpuErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WebgpuError';
    this.kind = kind;
  }
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

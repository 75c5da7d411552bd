import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { extract } from 'tar';

/**
 * WebGPU on a machine without a GPU, out of what `npm ci` brought: the package @sparticuz/chromium holds a Chromium, a
 * Vulkan loader and SwiftShader, a Vulkan driver that computes on the CPU.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const chromium = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../..');
const { version } = JSON.parse(readFileSync(join(chromium, 'package.json'), 'utf8')) as { version: string };
const packed = join(chromium, 'bin');
const cache = join(root, `node_modules/.cache/chromium-${version}`);
/** What is packed runs on these machines only. Elsewhere there must be a GPU, and a browser that Playwright finds. */
const canBeSoftware = process.platform === 'linux' && process.arch === 'x64';

/** Unpacks the browser and the driver, once. */
export function unpackSoftwareGpu(): void {
  if (!canBeSoftware || existsSync(cache)) return;
  // Under another name first, so that a folder of that name is always whole.
  const folder = `${cache}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  for (const archive of ['swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br']) {
    extract({ file: join(packed, archive), cwd: folder, brotli: true, sync: true, preserveOwner: false });
  }
  writeFileSync(join(folder, 'chromium'), brotliDecompressSync(readFileSync(join(packed, 'chromium.br'))), {
    mode: 0o755,
  });
  try {
    renameSync(folder, cache);
  } catch (error) {
    rmSync(folder, { recursive: true });
    if (!existsSync(cache)) throw error;
  }
}

/** What starts the browser that {@link unpackSoftwareGpu} has unpacked with its font, so that text is drawn anywhere. */
export function softwareBrowserWithText(): ReturnType<typeof softwareBrowser> {
  const browser = softwareBrowser();
  if (!canBeSoftware) return browser;
  // The configuration that was packed names folders of another machine.
  const file = join(cache, 'text.conf');
  const families = ['sans-serif', 'serif', 'monospace', 'system-ui', 'ui-monospace'].map(
    (family) => `<alias><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`,
  );
  const folders = `<dir>${join(cache, 'fonts')}</dir><cachedir>${join(cache, 'fontCache')}</cachedir>`;
  writeFileSync(file, `<?xml version="1.0"?><fontconfig>${folders}${families.join('')}</fontconfig>`);
  return { ...browser, env: { ...browser.env, FONTCONFIG_FILE: file } };
}

/** What starts the browser that {@link unpackSoftwareGpu} unpacks, with SwiftShader for a GPU. */
export function softwareBrowser(): {
  executablePath?: string;
  env?: Record<string, string | undefined>;
  args: string[];
} {
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  if (!canBeSoftware) return { args };
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
  return {
    executablePath: join(cache, 'chromium'),
    env: { ...process.env, LD_LIBRARY_PATH: join(cache, 'lib'), FONTCONFIG_PATH: cache },
    args: [...args, ...quiet, '--no-sandbox', '--disable-dev-shm-usage'],
  };
}

/** Everything that `create` of the package `webgpu` gave: Dawn crashes when it is collected. */
const pinned: GPU[] = [];

/**
 * In Node: the machine's own GPU, and only where there is none, SwiftShader. With `BPTT_SOFTWARE_GPU=1` SwiftShader in any
 * case.
 */
export async function gpuOrSoftware(): Promise<GPU> {
  const { create } = (await import('webgpu')) as { create(flags: string[]): GPU };
  const open = (): GPU => {
    const gpu = create([]);
    pinned.push(gpu);
    return gpu;
  };
  if (process.env.BPTT_SOFTWARE_GPU !== '1' && (!canBeSoftware || loadLibrary('libvulkan.so.1'))) {
    const gpu = open();
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!canBeSoftware || (adapter && !adapter.info.isFallbackAdapter)) return gpu;
  }
  unpackSoftwareGpu();
  process.env.VK_DRIVER_FILES = join(cache, 'vk_swiftshader_icd.json');
  // Dawn looks for the loader by name only, and LD_LIBRARY_PATH is read when a process starts: so it is loaded before.
  loadLibrary(join(cache, 'libvulkan.so.1'));
  return open();
}

/** The environment in which a process started from here finds the adapter that {@link gpuOrSoftware} gives. */
export async function gpuEnvironment(): Promise<Record<string, string | undefined>> {
  await gpuOrSoftware();
  if (process.env.VK_DRIVER_FILES !== join(cache, 'vk_swiftshader_icd.json')) return process.env;
  return { ...process.env, LD_LIBRARY_PATH: [cache, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':') };
}

/** Loads a library into this process for good. Whether it is there. */
function loadLibrary(path: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    return true;
  } catch (error) {
    // Node complains that it is no addon, and it stays loaded.
    return /self-register/.test(String(error));
  }
}
